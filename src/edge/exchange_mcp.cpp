// The part of an exchange that has the callers of an MCP server checked.

#include "exchange.hpp"
#include "instatunnel/base/clock.hpp"

namespace instatunnel::edge {

using service::visitor_verdict;

// False: the visitor has got an answer, or the service is being asked.
bool exchange::pass_mcp_guard(const wire::request_head& head, const route& to) {
    using kind = mcp_guard::verdict::kind;
    const auto verdict = to.mcp_door->check(head, gate_tries(to), w_.loop.now());
    if (verdict.what == kind::pass) return true;
    if (verdict.what == kind::answer) {
        refuse_visitor(verdict.response);
        return false;
    }
    auto key = visitor_passes::key_for(verdict.token, to.tunnel.host);
    auto known = w_.passes.find(key, w_.loop.now(), wall_now());
    // Another client of the tunnel may have named other people.
    if (known == nullptr || known->users != to.mcp_door->users()) {
        ask_about_visitor(head, to, verdict.token, std::move(key));
        return false;
    }
    hold(std::move(known));
    return true;
}

void exchange::ask_about_visitor(const wire::request_head& head, const route& to, std::string_view token,
                                 std::string key) {
    parked_ = std::make_unique<parked_request>(head);
    arm(w_.limits.reply_head);
    service::visitor_claim claim;
    claim.host = to.tunnel.host;
    claim.url = to.tunnel.url;
    claim.account_id = to.tunnel.account_id;
    claim.users = to.mcp_door->users();
    auto about = std::make_shared<service::visitor_claim>();
    about->host = claim.host;
    about->account_id = claim.account_id;
    about->users = claim.users;
    claim.token = secret(std::string(token));
    api_ticket_ = std::make_shared<exchange*>(this);
    auto& loop = w_.loop;
    w_.accounts.check_visitor(std::move(claim), [&loop, ticket = api_ticket_, about, door = to.mcp_door,
                                                 key = std::move(key)](service::visitor_answer known) {
        loop.post([ticket, about, door, key, known = std::move(known)] {
            if (*ticket == nullptr) return;
            exchange& self = **ticket;
            self.api_ticket_.reset();
            self.on_visitor_known(key, *about, door, known);
        });
    });
}

void exchange::on_visitor_known(std::string key, const service::visitor_claim& claim,
                                const std::shared_ptr<const mcp_guard>& asked_by,
                                const service::visitor_answer& known) {
    const auto parked = std::move(parked_);
    const auto& head = parked->head();
    if (known.verdict == visitor_verdict::unknown) (void)gate_tries(*route_).take(w_.loop.now());
    if (route_->via == nullptr || route_->mcp_door != asked_by) {
        refuse(503, "tunnel_reconnecting", "The tunnel has just changed", "Try again.");
    } else if (known.verdict == visitor_verdict::unavailable) {
        refuse(503, "unavailable", "The service has too much to do", "Try again in a moment.");
    } else if (known.verdict != visitor_verdict::good) {
        refuse_visitor(asked_by->refuse(head, known.verdict));
    } else {
        hold(w_.passes.keep(std::move(key), claim, known, w_.loop.now()));
        send_to_tunnel(head, gate::proof::none);
    }
    on_unparked();
}

void exchange::refuse_visitor(const service::api_response& refusal) {
    if (!grpc_ || refusal.status < 400) return answer_with(refusal);
    refuse(refusal.status,
           refusal.status == 429   ? "rate_limited"
           : refusal.status == 403 ? "forbidden"
                                   : "unauthorized",
           "This MCP server asks for authorization", "Send it as the metadata authorization.");
}

void exchange::hold(std::shared_ptr<visitor_pass> pass) {
    leave_pass();
    pass_ = std::move(pass);
    pass_->holders.insert(this);
}

void exchange::leave_pass() noexcept {
    if (pass_ == nullptr) return;
    pass_->holders.erase(this);
    pass_.reset();
}

void exchange::on_pass_ended() {
    drop_stream();
    if (reply_started_) return cut(engine::code::cancelled);
    refuse(401, "unauthorized", "The access token has ended", "Sign in again with the authorization server.");
}

}  // namespace instatunnel::edge
