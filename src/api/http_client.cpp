#include "instatunnel/api/http_client.hpp"

#include "https_connection.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/net/dial.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/wire/http1.hpp"
#include "reply_reader.hpp"
#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t max_reply_body = 4u << 20;
constexpr std::size_t max_target = 8192;

using field_list = std::vector<std::pair<std::string, std::string>>;

struct request_address {
    net::url_parts server;
    std::string target;  ///< path and query as written
};

outcome<request_address> parse_address(const std::string& url) {
    const auto scheme_end = url.find("://");
    const auto after_scheme = scheme_end == std::string::npos ? url.size() : scheme_end + 3;
    const auto split = std::min(url.find_first_of("/?#", after_scheme), url.size());
    auto server = net::parse_url(url.substr(0, split));
    if (!server) return server.error();
    if (!server->is_https)
        return failure(errc::malformed_url, server->origin() + " is not encrypted: only https:// is used here");
    request_address address{std::move(*server), url.substr(split)};
    if (!address.target.starts_with('/')) address.target.insert(0, "/");
    bool is_valid = address.target.size() <= max_target;
    for (const char c : address.target)
        is_valid = is_valid && c > 0x20 && c < 0x7f && c != '#';
    if (!is_valid)
        return failure(errc::malformed_url, "The path of a URL on " + address.server.origin() + " is not valid");
    return address;
}

/// What frames the message is ours to say.
bool is_ours(std::string_view name) {
    for (const std::string_view own :
         {"host", "connection", "content-length", "transfer-encoding", "expect", "upgrade"})
        if (iequals(name, own)) return true;
    return false;
}

outcome<wiped_buffer> compose(std::string_view method, const request_address& to, const field_list& fields,
                              std::string_view body) {
    if (!wire::is_token(method)) return failure(errc::bad_request, "The request's method is not valid");
    wiped_buffer text;
    text.append(method).append(" ").append(to.target).append(" HTTP/1.1\r\nHost: ");
    text.append(std::string_view(to.server.origin()).substr(std::string_view("https://").size()));
    text.append("\r\nUser-Agent: instatunnel/").append(version()).append("\r\nConnection: close\r\n");
    for (const auto& [name, value] : fields) {
        if (!wire::is_token(name) || !wire::is_field_value(value) || is_ours(name))
            return failure(errc::bad_request, "A field of the request is not valid");
        text.append(name).append(": ").append(value).append("\r\n");
    }
    const bool says_length = !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
    if (says_length) text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    text.append("\r\n").append(body);
    return text;
}

class https_client final : public http_client {
public:
    explicit https_client(net::ssl_ctx_ptr ctx) : ctx_(std::move(ctx)) {}

    outcome<http_reply> send(std::string_view method, const std::string& url, const field_list& fields,
                             std::string_view body, std::chrono::milliseconds limit) override {
        const auto deadline = https_connection::clock::now() + limit;
        auto to = parse_address(url);
        if (!to) return to.error();
        auto request = compose(method, *to, fields, body);
        if (!request) return request.error();
        auto connection = https_connection::open(ctx_.get(), to->server, deadline);
        if (!connection) return connection.error();

        const auto written = connection->write(request->view());
        if (!written && written.error().code == errc::connect_timeout) return written.error();
        // A server may answer (413, say) and close before it has read everything: its answer counts, not our write.
        return read_reply(*connection, method, to->server.origin(), max_reply_body);
    }

private:
    net::ssl_ctx_ptr ctx_;
};

}  // namespace

std::string_view http_reply::field(std::string_view name) const {
    for (const auto& [own_name, value] : fields)
        if (iequals(own_name, name)) return value;
    return {};
}

outcome<std::unique_ptr<http_client>> make_http_client(const std::string& cacert) {
    auto ctx = net::make_client_context(cacert, /*lanes_only=*/false);
    if (!ctx) return ctx.error();
    return std::unique_ptr<http_client>(std::make_unique<https_client>(std::move(*ctx)));
}

}  // namespace instatunnel::api
