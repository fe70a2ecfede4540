#include "exchange.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "error_page.hpp"
#include "grpc_status.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/grpc.hpp"
#include "lane.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

struct reset_answer {
    int status;
    std::string_view message;
    std::string_view hint;
};

reset_answer answer_for(code why) {
    switch (why) {
        case code::origin_unreachable:
            return {502, "Failed to reach local server", "Start the local program; the tunnel itself works."};
        case code::origin_timeout:
            return {504, "The local server did not answer in time", "Look at the local program's log."};
        case code::origin_reset:
            return {502, "The local server closed the connection without an answer",
                    "Look at the local program's log."};
        case code::origin_bad_response:
            return {502, "The local server's answer is not valid HTTP", "Check that the tunnel's port speaks HTTP."};
        case code::origin_tls:
            return {502, "The local server's TLS certificate was refused", "Look at the tunnel's terminal."};
        case code::origin_version:
            return {502, "The local server cannot take this request over HTTP/2",
                    "Its owner can start the tunnel with --upstream http1 or auto."};
        case code::cancelled:
        case code::origin_aborted:
            return {502, "The local server broke the request off", "Look at the local program's log."};
        case code::rate_limited:
            return {503, "The local server has too much to do", "Try again in a moment."};
        case code::session_lost:
            return {502, "The tunnel's connection was lost while the request was under way",
                    "It usually comes back within seconds: try again."};
        case code::refused:
        case code::limit_streams:
            return {503, "The tunnel carries as many requests as it can right now", "Try again in a moment."};
        case code::draining:
            return {503, "The tunnel is being closed", "Try again in a moment."};
        case code::body_too_large:
            return {413, "The request body is too large", {}};
        case code::head_too_large:
            return {502, "The fields of the local server's answer are too large", {}};
        case code::policy_denied:
            return {403, "The tunnel does not allow this request", {}};
        default:
            return {502, "The tunnel ended the request", "Try again."};
    }
}

bool is_event_stream(const wire::itp::reply_head& head) {
    for (const auto& f : head.fields)
        if (f.name.size() == 12 && iequals(f.name, "content-type")) return f.value.starts_with("text/event-stream");
    return false;
}

}  // namespace

exchange::exchange(worker& w, const visitor_origin& origin)
    : w_(w),
      origin_(origin),
      timer_(
          w.loop, [](void* self) { static_cast<exchange*>(self)->on_timer(); }, this) {}

exchange::~exchange() {
    OPENSSL_cleanse(api_body_.data(), api_body_.size());
    forget();
}

void exchange::forget() noexcept {
    held_.reset();
    end_note();
    route_.reset();
    // An answer of the API that comes after its time would be read as the one to the next request.
    if (api_ticket_ != nullptr) *std::exchange(api_ticket_, nullptr) = nullptr;
    leave_pass();
    api_request_.reset();  // answered before its body was whole: the rest is nobody's
    accept_.clear();
    request_id_ = 0;
    head_request_ = false;
    version_ = 11;
}

// --- request ---------------------------------------------------------------------------------------------------------

void exchange::prepare(const wire::request_head& head, std::uint8_t version, bool ended) {
    version_ = version;
    head_request_ = head.method == "HEAD";
    request_done_ = ended;
    reply_started_ = reply_done_ = event_stream_ = grpc_ = untimed_ = patient_ = false;
    continue_pending_ = head.expect_continue && !request_done_ && version_ != 10;
    body_seen_ = body_size_ = 0;
    owed_ = 0;
    protocol_.clear();
    accept_.clear();
    request_id_ = w_.next_request_id++;
}

void exchange::serve(const wire::request_head& head) {
    bool has_long_name = false;
    for (const auto& f : head.fields) {
        if (f.name.size() == 6 && iequals(f.name, "accept")) accept_.assign(f.value.substr(0, 256));
        // There is no gRPC over HTTP/1.
        if (f.name.size() == 12 && version_ == 20 && iequals(f.name, "content-type")) grpc_ = wire::is_grpc(f.value);
        has_long_name = has_long_name || f.name.size() > 255;
    }

    if (origin_.is_proxy) hear_proxy(head);
    // ITP carries these with a length of one byte.
    if (has_long_name) return refuse(431, "bad_request", "a field name longer than 255 bytes", {}, /*is_last=*/true);
    if (head.method.size() > 255) return refuse(501, "bad_request", "an unknown method", {}, /*is_last=*/true);

    const auto host = host_of_authority(head.authority, w_.host);
    if (!certificate_covers(host))
        return refuse(421, "misdirected_request", "This connection was opened for another host", {}, /*is_last=*/true);
    if (auto to = w_.routes.find(host); to != nullptr) {
        if (to->kind == wire::itp::stream_kind::http) return start_tunnel_request(head, to);
        return refuse(421, "not_http", "This name belongs to a tunnel that does not carry HTTP requests",
                      "Ask whoever sent it how to connect to it.", /*is_last=*/true);
    }
    if (host == w_.api_host && start_v1_client(head)) return;
    if (host == w_.api_host) return start_api_request(head);
    if (host == w_.domain) return serve_base_page();
    refuse(404, "tunnel_not_found", "There is no tunnel with this name",
           "Check the address, or ask whoever sent it whether their tunnel is running.");
}

void exchange::hear_proxy(const wire::request_head& head) {
    told_.reset();
    auto told = read_forwarding(head, w_.proxies, origin_.peer);
    if (!told) return;
    told_ = std::make_unique<visitor_origin>();
    told_->from = make_arrival(told->peer, w_.public_port);
    told_->from.forwarded_for = std::move(told->chain);
    if (!told->https) told_->from.scheme = "http";
    told_->peer = std::move(told->peer);
}

bool exchange::certificate_covers(std::string_view host) {
    if (origin_.asked_host.empty() || iequals(origin_.asked_host, host)) return true;
    X509* certificate = SSL_get_certificate(origin_.ssl);
    const bool covers =
        certificate != nullptr && X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
    ERR_clear_error();  // connection relies on an empty queue
    return covers;
}

void exchange::start_tunnel_request(const wire::request_head& head, const std::shared_ptr<route>& to) {
    route_ = to;
    begin_note(head);
    const bool is_counted = !who().peer.is_loopback || w_.limits.on_loopback.tunnel_requests;
    if (is_counted && !w_.tunnel_requests.at(to->tunnel.tunnel_id, w_.loop.now()).take(w_.loop.now()))
        return refuse(429, "rate_limited", "This tunnel gets more requests than it may", "Try again in a moment.",
                      /*is_last=*/false, "requests-per-tunnel");
    // Told before it is sent, if the visitor says how long it is.
    if (w_.limits.body != 0 && head.body == wire::body_kind::length && head.content_length > w_.limits.body)
        return refuse_body();
    auto shown = gate::proof::none;
    if (to->guard != nullptr && !pass_guard(head, *to, shown)) return;
    if (to->mcp_door != nullptr && !pass_mcp_guard(head, *to)) return;
    send_to_tunnel(head, shown);
}

void exchange::send_to_tunnel(const wire::request_head& head, gate::proof shown) {
    auto& to = route_;
    auto& open = w_.open;
    open.tunnel = to->number;
    open.request_id = request_id_;
    const auto& peer = who().peer;
    open.visitor.family = peer.family;
    std::copy(std::begin(peer.bytes), std::end(peer.bytes), open.visitor.bytes.begin());
    open.visitor.port = peer.port;
    open.https = who().from.scheme == "https";
    open.http_version = version_;
    open.method = head.method;
    open.authority = head.authority;
    open.path = head.path;
    // An upgrade with a body, or to something no protocol is called, is served without it.
    const bool bodiless = request_done_ && (held_ == nullptr || !held_->has_ended);
    protocol_ = bodiless && head.upgrade.size() <= 255 ? head.upgrade : std::string_view();
    open.protocol = protocol_;
    open.content_length = head.body == wire::body_kind::length ? static_cast<std::int64_t>(head.content_length) : -1;
    forward_request_fields(head, who().from, w_.forwarded, open.fields);
    if (to->guard != nullptr) to->guard->hide(shown, open.fields, w_.left_cookies);
    if (to->mcp_door != nullptr) mcp_guard::hide(open.fields);
    if (pass_ != nullptr) open.fields.push_back({"X-Instatunnel-Identity", pass_->identity});
    // An upgrade keeps its direction open: what follows the head is the new protocol.
    const bool ended = bodiless && protocol_.empty();
    const auto flags = ended ? flag::end : std::uint8_t{0};
    if (to->via == nullptr || to->via->session().opens_wait() || !to->waiting.empty()) return park(open, flags);
    stream_ = to->via->session().open(open, flags, *this);
    if (stream_ == nullptr && to->via->session().can_open())
        return refuse(431, "head_too_large", "The request's fields are too large", {});
    if (stream_ == nullptr) return refuse_busy("streams");
    sent_to_tunnel();
}

void exchange::sent_to_tunnel() {
    ++route_->requests;
    route_->last_request = w_.loop.now();
    untimed_ = grpc_;
    patient_ = route_->mcp;
    if (continue_pending_)
        arm(w_.limits.continue_wait);
    else if (!request_done_)
        arm_wait(w_.limits.body_window);
    else
        wait_for_reply();
    if (held_ != nullptr) send_held();
}

// A tool of an MCP server may work for hours before its first byte: that is the caller's to give up.
void exchange::wait_for_reply() {
    if (patient_)
        timer_.cancel();
    else
        arm_wait(w_.limits.reply_head);
}

void exchange::serve_base_page() {
    static constexpr std::string_view policy =
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    std::vector<wire::field> fields{{"Content-Security-Policy", policy},
                                    {"X-Content-Type-Options", "nosniff"},
                                    {"X-Frame-Options", "DENY"},
                                    {"Referrer-Policy", "no-referrer"}};
    // On this machine other programs share the name, and mostly without TLS.
    if (w_.domain != "localhost") fields.push_back({"Strict-Transport-Security", "max-age=31536000"});
    const bool html = accept_.find("text/html") != std::string::npos;
    if (!html) return give({200, "text/plain; charset=utf-8", "InstaTunnel edge\n", fields});
    give({200, "text/html; charset=utf-8",
          "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>InstaTunnel</title>"
          "<meta name=\"viewport\" content=\"width=device-width\"><style>:root{color-scheme:light dark}"
          "body{font:1rem/1.5 system-ui;max-width:38rem;margin:15vh auto;padding:0 1rem}</style>"
          "<h1>InstaTunnel edge</h1><p>This server gives programs on localhost a public address. "
          "Each tunnel has a name of its own below this domain.</p></html>\n",
          fields});
}

void exchange::forward_body(std::string_view bytes, bool push) {
    if (bytes.empty()) return;
    body_seen_ += bytes.size();
    if (api_request_ != nullptr) {
        if (api_body_.size() + bytes.size() > w_.limits.api_body) return refuse_api_body();
        // Never grown: a password must not stay behind in memory that was given back.
        if (api_body_.capacity() < w_.limits.api_body) api_body_.reserve(w_.limits.api_body);
        api_body_.append(bytes);
        return;
    }
    if (stream_ == nullptr && !is_waiting()) return;
    body_size_ += bytes.size();
    if (w_.limits.body != 0 && body_size_ > w_.limits.body && protocol_.empty()) return refuse_body();
    const bool was_expected = std::exchange(continue_pending_, false);
    if (is_waiting()) return hold_body(bytes);
    if (was_expected) arm_wait(w_.limits.body_window);
    route_->bytes_in += bytes.size();
    stream_->write(bytes, push);
}

std::span<char> exchange::body_room() {
    if (stream_ == nullptr || is_waiting() || continue_pending_ || w_.limits.body != 0) return {};
    return stream_->reserve();
}

void exchange::body_received(std::size_t bytes) {
    body_seen_ += bytes;
    body_size_ += bytes;
    route_->bytes_in += bytes;
    stream_->commit(bytes);
}

void exchange::refuse_body() {
    drop_stream();
    refuse(413, "too_large", "The request body is too large", {}, /*is_last=*/true, "body");
}

void exchange::finish_request(std::vector<wire::field>& trailers) {
    request_done_ = true;
    if (api_request_ != nullptr) return finish_api_request();
    // What decides about framing or routing has no place behind a body (RFC 9110 §6.5.1).
    std::erase_if(trailers, [](const wire::field& f) { return !may_be_trailer(f.name); });
    if (is_waiting()) return hold_end(trailers);
    if (stream_ != nullptr) {
        if (!trailers.empty()) stream_->send_trailers(trailers);
        if (stream_ != nullptr) stream_->finish();
    }
    if (!reply_started_) wait_for_reply();
}

// --- reply -----------------------------------------------------------------------------------------------------------

void exchange::begin_reply(const wire::itp::reply_head& head, const reply_plan& plan) {
    continue_pending_ = false;
    framing_ = choose_framing(head, plan);
    reply_left_ = framing_ == reply_framing::length && head.content_length > 0
                      ? static_cast<std::uint64_t>(head.content_length)
                      : 0;
    event_stream_ = untimed_ || patient_ || is_event_stream(head);
    note_reply(head.status);
    reply_started_ = true;
    if (!protocol_.empty() && stream_ != nullptr && !stream_->send_finished()) {
        // The app declined to upgrade: the request had no body, so nothing more goes its way.
        request_done_ = true;
        stream_->finish();
    }
}

bool exchange::admit_reply(std::string_view& bytes) noexcept {
    if (!event_stream_) arm(w_.limits.reply_idle);
    if (framing_ == reply_framing::none) {
        bytes = {};
    } else if (framing_ == reply_framing::length) {
        // More than announced would be read as the start of the next reply.
        if (bytes.size() > reply_left_) return false;
        reply_left_ -= bytes.size();
    }
    return true;
}

void exchange::on_reset(engine::stream&, code why, std::string_view text) {
    fail_stream(why, text);
}

void exchange::fail_stream(code why, std::string_view text) {
    drop_stream();
    if (reply_started_) return cut(why);  // never a clean end of a reply that is not whole
    const auto told = answer_for(why);
    std::string message(told.message);
    // The client names what it tried: "localhost:3000".
    if (why == code::origin_unreachable && !text.empty()) message.append(" ").append(text);
    if (why == code::origin_version && !text.empty()) message.append(": ").append(text);
    if (w_.failure_lines.take(w_.loop.now()))
        log::info("request.failed")
            .with("request", request_id_)
            .with("host", route_->tunnel.host)
            .with("status", told.status)
            .with("reason", wire::itp::code_name(why));
    refuse(told.status, wire::itp::code_name(why), message, told.hint);
}

void exchange::refuse(int status, std::string_view code_name, std::string_view message, std::string_view hint,
                      bool is_last, std::string_view limit) {
    held_.reset();
    // Inside a reply that has begun, a second one would be read as part of its body.
    if (reply_started_ && !reply_done_) return cut(code::cancelled);
    if (grpc_) return answer_call(status, code_name, message, hint, limit);
    const auto id = std::to_string(request_id_);
    const bool is_limit = code_name == "rate_limited" || code_name == "too_many_streams";
    const auto support = is_limit ? std::string_view(w_.support_contact) : std::string_view();
    const auto page = render({status, code_name, message, hint, id, support}, accept_);
    std::vector<wire::field> extra{{"X-Instatunnel-Error", code_name}, {"Cache-Control", "no-store"}};
    if (!limit.empty()) extra.push_back({"X-Instatunnel-Limit", limit});
    if (status == 503 || status == 429) extra.push_back({"Retry-After", "2"});
    give({status, page.content_type, page.body, extra, is_last});
}

// As a server that ends the call before it has begun: one head with the status in it ("Trailers-Only").
void exchange::answer_call(int status, std::string_view code_name, std::string_view message, std::string_view hint,
                           std::string_view limit) {
    std::string told(message);
    if (!hint.empty()) told.append(". ").append(hint);
    const auto number = std::to_string(static_cast<int>(grpc_status_for(status, code_name)));
    const auto text = wire::grpc_message(told);
    std::vector<wire::field> extra{{"grpc-status", number},
                                   {"grpc-message", text},
                                   {"X-Instatunnel-Error", code_name},
                                   {"Cache-Control", "no-store"}};
    if (!limit.empty()) extra.push_back({"X-Instatunnel-Limit", limit});
    give({200, "application/grpc", {}, extra});
}

// --- ends ------------------------------------------------------------------------------------------------------------

void exchange::drop_stream() {
    held_.reset();
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->release();
}

void exchange::on_exchange_timeout() {
    if (is_waiting()) return on_held_timeout();
    if (continue_pending_ && stream_ != nullptr) {
        // The app said nothing about the body it was asked to expect; most never do.
        continue_pending_ = false;
        send_continue();
        return arm_wait(w_.limits.body_window);
    }
    if (!request_done_) {
        if (body_seen_ >= w_.limits.body_minimum || waits_for_app()) {
            body_seen_ = 0;
            return arm(w_.limits.body_window);
        }
        drop_stream();
        return refuse(408, "request_timeout", "The request's body did not arrive in time", {}, /*is_last=*/true,
                      "body-window");
    }
    if (reply_started_) return cut(code::idle_timeout);
    drop_stream();
    if (api_ticket_ != nullptr) return refuse(503, "unavailable", "The service did not answer in time", {});
    refuse(504, "origin_timeout", "The local server did not answer in time", {}, /*is_last=*/false, "reply-head");
}

}  // namespace instatunnel::edge
