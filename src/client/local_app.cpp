#include "local_app.hpp"

#include <openssl/ssl.h>

namespace instatunnel::client {
namespace {

outcome<net::ssl_ctx_ptr> make_app_context(const tunnel_options& options) {
    auto context = net::make_client_context({}, /*lanes_only=*/false);
    if (!context) return context;
    // A local app's certificate is usually its own: nobody can be between us and a loopback address.
    const auto& host = options.upstream.host;
    const bool local = is_local_name(host) || host.starts_with("127.") || host == "::1";
    if (local || !options.verify_upstream) SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
    return context;
}

}  // namespace

outcome<std::unique_ptr<local_app>> local_app::make(net::event_loop& loop, const tunnel_options& options,
                                                    tunnel_events& events) {
    std::unique_ptr<local_app> made(new local_app(loop, options, events));
    if (!options.upstream.is_tls) return made;
    auto context = make_app_context(options);
    if (!context) return context.error();
    made->tls_ = std::move(*context);
    auto for_http2 = make_app_context(options);
    if (!for_http2) return for_http2.error();
    // An app that has no HTTP/2 says so by choosing the other, instead of failing the handshake (RFC 7301 §3.2).
    static constexpr unsigned char alpn[] = "\x02h2\x08http/1.1";
    if (SSL_CTX_set_alpn_protos(for_http2->get(), alpn, sizeof alpn - 1) != 0) return failure(errc::tls_failed);
    made->http2_tls_ = std::move(*for_http2);
    return made;
}

local_app::local_app(net::event_loop& loop, const tunnel_options& options, tunnel_events& events)
    : loop_(loop), options_(options), events_(events), addresses_(loop, options.upstream) {
    if (options.mcp) tools_.emplace().rules = options.mcp_tools;
}

void local_app::unreachable() {
    if (addresses_.note_unreachable())
        events_.on_notice({errc::target_unreachable, "Failed to reach local server " + options_.upstream.display});
}

void local_app::report_tool_changes() {
    for (const auto& change : tools_->watch.take_changes())
        events_.on_tool_changed(change);
}

void local_app::report(const connection_info& info) {
    ++served_;
    events_.on_connection(info);
    loop_.defer(*this);
}

void local_app::report(const request_info& info) {
    ++served_;
    events_.on_request(info);
    loop_.defer(*this);
}

}  // namespace instatunnel::client
