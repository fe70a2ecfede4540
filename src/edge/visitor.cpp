#include "visitor.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/net/tls.hpp"
#include "lane.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

visitor::visitor(worker& w, net::peer_name peer, address_slot slot)
    : w_(w),
      peer_(std::move(peer)),
      slot_(std::move(slot)),
      arrival_(make_arrival(peer_, w.public_port)),
      timer_(
          w.loop, [](void* self) { static_cast<visitor*>(self)->on_timeout(); }, this) {
    w_.visitors.insert(this);
}

visitor::~visitor() {
    if (api_ticket_ != nullptr) *api_ticket_ = nullptr;
    w_.visitors.erase(this);
}

void visitor::adopt(std::unique_ptr<net::connection> connection) {
    conn_ = std::move(connection);
    conn_->set_events(*this);
    asked_host_ = net::requested_name(conn_->ssl());
    arm(w_.limits.first_byte);
}

void visitor::drain() {
    keep_alive_ = false;
    if (!is_busy() && state_ != state::closing) close(/*cleanly=*/true);
}

void visitor::abort() {
    if (state_ == state::closing) return;
    if (is_busy()) ++w_.cut_requests;
    close(/*cleanly=*/false);
}

// --- input -----------------------------------------------------------------------------------------------------------

void visitor::on_readable() {
    while (state_ != state::closing && !input_over_) {
        // Whoever asks without reading the answers gets no further ones.
        const bool full =
            input_.size() >= w_.limits.pipelined_bytes || (state_ == state::reading_head && conn_->is_congested());
        if (full || (stream_ != nullptr && stream_->is_congested())) {
            reading_paused_ = true;
            return;
        }
        reading_paused_ = false;
        const auto space = w_.loop.scratch();
        const auto got = conn_->read(space.data(), space.size());
        switch (got.status) {
            case net::read_status::would_block:
                return;
            case net::read_status::broken:
                return on_broken(errc::connection_lost);
            case net::read_status::end:
                return input_ended();
            case net::read_status::data:
                consume({space.data(), got.size});
                break;
        }
        if (state_ == state::closing || got.drained) return;
        if (got.size == space.size()) return conn_->resume_reading();
    }
}

void visitor::input_ended() {
    input_over_ = true;
    if (state_ == state::upgraded) {
        if (stream_ != nullptr) stream_->finish();
        if (conn_->is_write_finished()) close(/*cleanly=*/true);
        return;
    }
    // Somebody who hangs up does not wait for the answer: the app is told at once, not at its next write.
    close(/*cleanly=*/state_ == state::reading_head);
}

// Takes as much as the state allows; the rest waits in input_.
void visitor::consume(std::string_view bytes) {
    if (in_consume_) {
        input_.append(bytes);
        return;
    }
    in_consume_ = true;
    const bool stored = !input_.empty();
    if (stored) input_.append(bytes);
    std::string_view rest = stored ? std::string_view(input_) : bytes;
    while (!rest.empty() && state_ != state::closing) {
        if (state_ == state::reading_head && conn_->is_congested()) break;
        const auto used = consume_step(rest);
        rest.remove_prefix(used);
        if (used == 0) break;
    }
    in_consume_ = false;
    if (state_ == state::closing) return;
    if (stored)
        input_.erase(0, input_.size() - rest.size());
    else
        input_.assign(rest);
    if (input_.empty() && input_.capacity() > 256) std::string().swap(input_);
}

std::size_t visitor::consume_step(std::string_view bytes) {
    switch (state_) {
        case state::reading_head:
            return consume_head(bytes);
        case state::reading_body:
            return body_ == wire::body_kind::chunked ? consume_chunked(bytes) : consume_body(bytes);
        case state::upgraded:
            forward_body(bytes);
            return bytes.size();
        case state::awaiting:
        case state::closing:
            return 0;
    }
    return 0;
}

std::size_t visitor::consume_head(std::string_view bytes) {
    const auto parsed = wire::parse_request_head(bytes, head_seen_, w_.limits.head, w_.request);
    if (parsed.status == wire::parse_status::incomplete) {
        // An empty line before a request is nothing that has to be completed (RFC 9112 §2.2).
        if (head_seen_ == 0 && bytes != "\r\n") arm(w_.limits.whole_head);
        head_seen_ = bytes.size();
        return 0;
    }
    head_seen_ = 0;
    if (parsed.status == wire::parse_status::invalid) {
        request_id_ = w_.next_request_id++;
        log::debug("visitor.refused")
            .with("from", peer_.address)
            .with("status", parsed.http_status)
            .with("rule", parsed.reason);
        refuse(parsed.http_status, "bad_request", parsed.reason, {}, /*keep=*/false);
        return 0;
    }
    dispatch(w_.request);
    return parsed.consumed;
}

std::size_t visitor::consume_body(std::string_view bytes) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
    body_left_ -= take;
    forward_body(bytes.substr(0, take));
    if (body_left_ == 0 && state_ == state::reading_body) request_complete();
    return take;
}

std::size_t visitor::consume_chunked(std::string_view bytes) {
    const auto step = chunked_.next(bytes);
    switch (step.what) {
        case wire::chunked_decoder::event::data:
            forward_body(step.data);
            break;
        case wire::chunked_decoder::event::done:
            if (state_ == state::reading_body) request_complete();
            break;
        case wire::chunked_decoder::event::invalid:
            if (stream_ != nullptr) drop_stream();
            refuse(400, "bad_request", chunked_.reason(), {}, /*keep=*/false);
            return 0;
        case wire::chunked_decoder::event::need_more:
            break;
    }
    return step.consumed;
}

void visitor::forward_body(std::string_view bytes) {
    if (bytes.empty()) return;
    body_seen_ += bytes.size();
    if (api_request_ != nullptr) {
        if (api_body_.size() + bytes.size() > w_.limits.api_body) return refuse_api_body();
        // Never grown: a password must not stay behind in memory that was given back.
        if (api_body_.capacity() < w_.limits.api_body) api_body_.reserve(w_.limits.api_body);
        api_body_.append(bytes);
        return;
    }
    if (stream_ == nullptr) return;
    if (std::exchange(continue_pending_, false)) arm(w_.limits.body_window);
    route_->bytes_in += bytes.size();
    stream_->write(bytes, /*push=*/state_ == state::upgraded);
}

void visitor::request_complete() {
    request_done_ = true;
    state_ = state::awaiting;
    if (api_request_ != nullptr) return finish_api_request();
    if (stream_ != nullptr) {
        if (body_ == wire::body_kind::chunked && !chunked_.trailers().empty()) {
            std::vector<wire::field> trailers;
            if (wire::parse_field_lines(chunked_.trailers(), trailers)) {
                // What decides about framing or routing has no place behind a body (RFC 9110 §6.5.1).
                std::erase_if(trailers, [](const wire::field& f) { return !may_be_trailer(f.name); });
                stream_->send_trailers(trailers);
            }
        }
        if (stream_ != nullptr) stream_->finish();
    }
    if (!reply_started_) arm(w_.limits.reply_head);
    if (reply_done_) exchange_over();
}

void visitor::on_drained(engine::stream&) {
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

// --- dispatch --------------------------------------------------------------------------------------------------------

bool visitor::certificate_covers(std::string_view host) {
    if (asked_host_.empty() || iequals(asked_host_, host)) return true;
    X509* certificate = SSL_get_certificate(conn_->ssl());
    const bool covers =
        certificate != nullptr && X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
    ERR_clear_error();  // connection relies on an empty queue
    return covers;
}

void visitor::dispatch(const wire::request_head& head) {
    http10_ = head.minor_version == 0;
    head_request_ = head.method == "HEAD";
    keep_alive_ = head.keep_alive && !w_.draining;
    request_done_ =
        head.body == wire::body_kind::none || (head.body == wire::body_kind::length && head.content_length == 0);
    reply_started_ = reply_done_ = event_stream_ = false;
    continue_pending_ = head.expect_continue && !request_done_ && !http10_;
    body_ = head.body;
    body_left_ = head.content_length;
    body_seen_ = 0;
    owed_ = 0;
    protocol_.clear();
    trailers_.clear();
    accept_.clear();
    if (body_ == wire::body_kind::chunked) chunked_.reset();
    state_ = request_done_ ? state::awaiting : state::reading_body;
    request_id_ = w_.next_request_id++;
    bool has_long_name = false;
    for (const auto& f : head.fields) {
        if (f.name.size() == 6 && iequals(f.name, "accept")) accept_.assign(f.value.substr(0, 256));
        has_long_name = has_long_name || f.name.size() > 255;
    }

    // ITP carries these with a length of one byte.
    if (has_long_name) return refuse(431, "bad_request", "a field name longer than 255 bytes", {}, /*keep=*/false);
    if (head.method.size() > 255) return refuse(501, "bad_request", "an unknown method", {}, /*keep=*/false);

    const auto host = host_of_authority(head.authority, w_.host);
    if (!certificate_covers(host))
        return refuse(421, "misdirected_request", "This connection was opened for another host", {}, /*keep=*/false);
    if (auto to = w_.routes.find(host); to != nullptr) return start_tunnel_request(head, to);
    if (host == w_.api_host) return start_api_request(head);
    if (host == w_.domain) return serve_base_page(head);
    refuse(404, "tunnel_not_found", "There is no tunnel with this name",
           "Check the address, or ask whoever sent it whether their tunnel is running.", request_done_ && keep_alive_);
}

void visitor::start_tunnel_request(const wire::request_head& head, const std::shared_ptr<route>& to) {
    route_ = to;
    if (to->via == nullptr)
        return refuse(503, "tunnel_reconnecting", "The tunnel is not connected right now",
                      "It usually comes back within seconds: try again.", request_done_ && keep_alive_);
    if (!peer_.is_loopback && !w_.tunnel_requests.at(to->tunnel.tunnel_id, w_.loop.now()).take(w_.loop.now()))
        return refuse(429, "rate_limited", "This tunnel gets more requests than it may", "Try again in a moment.",
                      request_done_ && keep_alive_);
    auto shown = gate::proof::none;
    if (to->guard != nullptr && !pass_guard(head, *to, shown)) return;
    auto& open = w_.open;
    open.tunnel = to->number;
    open.request_id = request_id_;
    open.visitor.family = peer_.family;
    std::copy(std::begin(peer_.bytes), std::end(peer_.bytes), open.visitor.bytes.begin());
    open.visitor.port = peer_.port;
    open.http_version = http10_ ? 10 : 11;
    open.method = head.method;
    open.authority = head.authority;
    open.path = head.path;
    // An upgrade with a body, or to something no protocol is called, is served without it.
    protocol_ = request_done_ && head.upgrade.size() <= 255 ? head.upgrade : std::string_view();
    open.protocol = protocol_;
    open.content_length = head.body == wire::body_kind::length ? static_cast<std::int64_t>(head.content_length) : -1;
    forward_request_fields(head, arrival_, w_.forwarded, open.fields);
    if (to->guard != nullptr) to->guard->hide(shown, open.fields, w_.left_cookies);
    // An upgrade keeps its direction open: what follows the head is the new protocol.
    const bool ended = request_done_ && protocol_.empty();
    stream_ = to->via->session().open(open, ended ? flag::end : std::uint8_t{0}, *this);
    if (stream_ == nullptr && to->via->session().can_open())
        return refuse(431, "head_too_large", "The request's fields are too large", {}, request_done_ && keep_alive_);
    if (stream_ == nullptr)
        return refuse(503, "too_many_streams", "The tunnel carries as many requests as it can right now",
                      "Try again in a moment.", request_done_ && keep_alive_);
    ++to->requests;
    to->last_request = w_.loop.now();
    if (continue_pending_)
        arm(w_.limits.continue_wait);
    else
        arm(request_done_ ? w_.limits.reply_head : w_.limits.body_window);
}

// False: the visitor got the tunnel's own answer, or its form is being read.
bool visitor::pass_guard(const wire::request_head& head, const route& to, gate::proof& shown) {
    auto verdict =
        to.guard->check(head, gate_tries(to), w_.loop.now(), std::chrono::floor<std::chrono::seconds>(wall_now()));
    shown = verdict.shown;
    if (verdict.is_sign_in)
        start_api_request(head);
    else if (verdict.refusal)
        send_response(*verdict.refusal, request_done_ && keep_alive_);
    else
        return true;
    return false;
}

auth::token_bucket& visitor::gate_tries(const route& to) {
    return w_.gate_tries.at(auth::address_group(peer_.address) + " " + to.tunnel.tunnel_id, w_.loop.now());
}

void visitor::serve_base_page(const wire::request_head&) {
    const bool html = accept_.find("text/html") != std::string::npos;
    if (html)
        return send_simple(
            200, "text/html; charset=utf-8",
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>InstaTunnel</title>"
            "<meta name=\"viewport\" content=\"width=device-width\"><style>:root{color-scheme:light dark}"
            "body{font:1rem/1.5 system-ui;max-width:38rem;margin:15vh auto;padding:0 1rem}</style>"
            "<h1>InstaTunnel edge</h1><p>This server gives programs on localhost a public address. "
            "Each tunnel has a name of its own below this domain.</p></html>\n",
            {}, request_done_ && keep_alive_);
    send_simple(200, "text/plain; charset=utf-8", "InstaTunnel edge\n", {}, request_done_ && keep_alive_);
}

void visitor::start_api_request(const wire::request_head& head) {
    api_request_ = std::make_unique<service::api_request>();
    accept_ = "application/json";  // programs call it, whatever they accept
    const auto question = head.path.find('?');
    api_request_->method = head.method;
    api_request_->path = head.path.substr(0, question);
    if (question != std::string_view::npos) api_request_->query = head.path.substr(question + 1);
    api_request_->remote_address = peer_.address;
    for (const auto& f : head.fields)
        api_request_->fields.emplace_back(f.name, f.value);
    if (request_done_) return finish_api_request();
    // Told before it is sent, if the visitor says how long it is.
    if (head.body == wire::body_kind::length && head.content_length > w_.limits.api_body) return refuse_api_body();
    if (continue_pending_) {
        continue_pending_ = false;
        conn_->write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    arm(w_.limits.body_window);
}

void visitor::refuse_api_body() {
    api_request_.reset();
    OPENSSL_cleanse(api_body_.data(), api_body_.size());
    api_body_.clear();
    refuse(413, "too_large", "The request body is too large", {}, /*keep=*/false);
}

void visitor::finish_api_request() {
    const auto request = std::move(api_request_);
    request->body = secret(std::exchange(api_body_, {}));
    if (route_ != nullptr) {  // the form of a tunnel's password
        if (route_->guard == nullptr)
            return refuse(503, "tunnel_reconnecting", "The tunnel has just changed", "Try again.", keep_alive_);
        return send_response(route_->guard->sign_in(request->body.reveal(), gate_tries(*route_), w_.loop.now(),
                                                    std::chrono::floor<std::chrono::seconds>(wall_now())),
                             keep_alive_);
    }
    arm(w_.limits.reply_head);
    api_ticket_ = std::make_shared<visitor*>(this);
    auto& loop = w_.loop;
    // The answer comes from a thread of the service and may come after the visitor has gone.
    w_.accounts.handle(std::move(*request), [&loop, ticket = api_ticket_](service::api_response response) {
        auto shared = std::make_shared<service::api_response>(std::move(response));
        loop.post([ticket, shared] {
            if (*ticket == nullptr) return;
            visitor& self = **ticket;
            self.api_ticket_.reset();
            self.send_response(*shared, self.keep_alive_);
        });
    });
}

void visitor::send_response(const service::api_response& response, bool keep) {
    std::string extra;
    std::string_view content_type;
    for (const auto& [name, value] : response.fields) {
        if (iequals(name, "content-type"))
            content_type = value;
        else
            extra.append(name).append(": ").append(value).append("\r\n");
    }
    send_simple(response.status, content_type, response.body, extra, keep);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void visitor::exchange_over() {
    route_.reset();
    // An answer of the API that comes after its time would be read as the one to the next request.
    if (api_ticket_ != nullptr) *std::exchange(api_ticket_, nullptr) = nullptr;
    head_request_ = http10_ = false;
    accept_.clear();
    request_id_ = 0;
    if (!keep_alive_ || !request_done_) return close(/*cleanly=*/true);
    state_ = state::reading_head;
    // One request on a connection is common, a second one means more to come: only then keeping buffers pays. (Freed at
    // once, they leave no holes: 1,000 idle visitors cost half of what they cost with buffers kept for a second.)
    if (++requests_here_ > 1) conn_->keep_buffers(true);
    may_be_idle_ = requests_here_ > 1;
    unread_reply_ = 0;
    arm(may_be_idle_ ? w_.limits.buffers_kept : w_.limits.keep_alive);
    // The next request may lie there already.
    if (!input_.empty() && !in_consume_) consume({});
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::drop_stream() {
    if (stream_ == nullptr) return;
    auto* s = std::exchange(stream_, nullptr);
    s->release();
}

void visitor::close(bool cleanly) {
    if (state_ == state::closing) return;
    state_ = state::closing;
    drop_stream();
    if (cleanly)
        net::connection::close_gently(std::move(conn_));
    else
        net::connection::close_now(std::move(conn_), /*reset=*/true);
    leave();
}

void visitor::leave() {
    timer_.cancel();
    if (api_ticket_ != nullptr) *api_ticket_ = nullptr;
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

void visitor::on_broken(errc) {
    close(/*cleanly=*/false);
}

// The last reply has not left: a slow reader is waited for as long as it reads.
void visitor::on_unread_reply() {
    if (conn_->queued() >= unread_reply_ && unread_reply_ != 0) return close(/*cleanly=*/false);
    unread_reply_ = conn_->queued();
    arm(w_.limits.keep_alive);
}

void visitor::on_timeout() {
    if (state_ == state::closing) return;
    if (state_ == state::reading_head) {
        if (conn_->queued() != 0) return on_unread_reply();
        if (input_.empty() && may_be_idle_) {
            // Most connections that pause for a second stay idle for long: they should cost little.
            may_be_idle_ = false;
            conn_->keep_buffers(false);
            return arm(w_.limits.keep_alive);
        }
        if (input_.empty()) return close(/*cleanly=*/true);
        return refuse(408, "request_timeout", "The request did not arrive in time", {}, /*keep=*/false);
    }
    if (continue_pending_ && stream_ != nullptr) {
        // The app said nothing about the body it was asked to expect; most never do.
        continue_pending_ = false;
        conn_->write("HTTP/1.1 100 Continue\r\n\r\n");
        return arm(w_.limits.body_window);
    }
    if (state_ == state::reading_body) {
        const bool app_is_slow = stream_ != nullptr && (stream_->is_congested() || stream_->queued() != 0);
        if (body_seen_ >= w_.limits.body_minimum || app_is_slow) {
            body_seen_ = 0;
            return arm(w_.limits.body_window);
        }
        drop_stream();
        return refuse(408, "request_timeout", "The request's body did not arrive in time", {}, /*keep=*/false);
    }
    if (reply_started_) return close(/*cleanly=*/false);
    drop_stream();
    if (api_ticket_ != nullptr)
        return refuse(503, "unavailable", "The service did not answer in time", {}, request_done_ && keep_alive_);
    refuse(504, "origin_timeout", "The local server did not answer in time", {}, request_done_ && keep_alive_);
}

}  // namespace instatunnel::edge
