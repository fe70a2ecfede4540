// The parts of an exchange that call the API, or ask for a password, before or instead of a tunnel.

#include <openssl/crypto.h>

#include "exchange.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "v1_bridge.hpp"

namespace instatunnel::edge {

// False: the visitor got the tunnel's own answer, or its form is being read.
bool exchange::pass_guard(const wire::request_head& head, const route& to, gate::proof& shown) {
    auto verdict =
        to.guard->check(head, gate_tries(to), w_.loop.now(), std::chrono::floor<std::chrono::seconds>(wall_now()));
    shown = verdict.shown;
    if (verdict.is_sign_in)
        start_api_request(head);
    else if (verdict.refusal && grpc_)
        refuse(verdict.refusal->status, verdict.refusal->status == 429 ? "rate_limited" : "unauthorized",
               "This tunnel asks for a password, which calls send as metadata",
               "See X-Tunnel-Password and Authorization in the tunnel's documentation");
    else if (verdict.refusal)
        answer_with(*verdict.refusal);
    else
        return true;
    return false;
}

auth::token_bucket& exchange::gate_tries(const route& to) {
    return w_.gate_tries.at(auth::address_group(who().peer.address) + " " + to.tunnel.tunnel_id, w_.loop.now());
}

// False: the path is none of the v1 protocol.
bool exchange::start_v1_client(const wire::request_head& head) {
    auto tunnel = v1_tunnel_of(head.path);
    if (tunnel.empty()) return false;
    accept_ = "application/json";
    if (w_.lanes_without_hello >= w_.limits.lanes_without_hello) {
        refuse(503, "unavailable", "Too many clients connect at the same time", "Try again in a moment.",
               /*is_last=*/true, "lanes-without-hello");
        return true;
    }
    auto wish = read_v1_wish(head, std::move(tunnel));
    if (!wish || !become_client(who().peer, std::move(*wish)))
        refuse(426, "upgrade_required", "This path is for WebSocket connections (version 13) over HTTP/1.1", {},
               /*is_last=*/true);
    return true;
}

void exchange::start_api_request(const wire::request_head& head) {
    api_request_ = std::make_unique<service::api_request>();
    accept_ = "application/json";  // programs call it, whatever they accept
    const auto question = head.path.find('?');
    api_request_->method = head.method;
    api_request_->path = head.path.substr(0, question);
    if (question != std::string_view::npos) api_request_->query = head.path.substr(question + 1);
    api_request_->remote_address = who().peer.address;
    for (const auto& f : head.fields)
        api_request_->fields.emplace_back(f.name, f.value);
    if (request_done_) return finish_api_request();
    // Told before it is sent, if the visitor says how long it is.
    if (head.body == wire::body_kind::length && head.content_length > w_.limits.api_body) return refuse_api_body();
    if (std::exchange(continue_pending_, false)) send_continue();
    arm(w_.limits.body_window);
}

void exchange::refuse_api_body() {
    api_request_.reset();
    OPENSSL_cleanse(api_body_.data(), api_body_.size());
    api_body_.clear();
    refuse(413, "too_large", "The request body is too large", {}, /*is_last=*/true);
}

void exchange::finish_api_request() {
    const auto request = std::move(api_request_);
    request->body = secret(std::exchange(api_body_, {}));
    if (route_ != nullptr) {  // the form of a tunnel's password
        if (route_->guard == nullptr)
            return refuse(503, "tunnel_reconnecting", "The tunnel has just changed", "Try again.");
        return answer_with(route_->guard->sign_in(request->body.reveal(), gate_tries(*route_), w_.loop.now(),
                                                  std::chrono::floor<std::chrono::seconds>(wall_now())));
    }
    arm(w_.limits.reply_head);
    api_ticket_ = std::make_shared<exchange*>(this);
    auto& loop = w_.loop;
    // The answer comes from a thread of the service and may come after the visitor has gone.
    w_.accounts.handle(std::move(*request), [&loop, ticket = api_ticket_](service::api_response response) {
        auto shared = std::make_shared<service::api_response>(std::move(response));
        loop.post([ticket, shared] {
            if (*ticket == nullptr) return;
            exchange& self = **ticket;
            self.api_ticket_.reset();
            self.answer_with(*shared);
        });
    });
}

void exchange::answer_with(const service::api_response& response) {
    std::vector<wire::field> extra;
    std::string_view content_type;
    for (const auto& [name, value] : response.fields) {
        if (iequals(name, "content-type"))
            content_type = value;
        else
            extra.push_back({name, value});
    }
    give({response.status, content_type, response.body, extra});
}

}  // namespace instatunnel::edge
