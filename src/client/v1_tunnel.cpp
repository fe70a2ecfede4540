#include "v1_tunnel.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::client {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds call_limit{30'000};
constexpr int port_of_no_port = 80;  // for a directory or a socket: the format wants a number

std::string base_of(std::string server) {
    while (server.ends_with('/'))
        server.pop_back();
    return server;
}

json parse(const secret& body) {
    return json::parse(body.reveal(), nullptr, /*allow_exceptions=*/false);
}

std::string text_of(const json& object, const char* member) {
    if (!object.is_object()) return {};
    const auto found = object.find(member);
    if (found == object.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    return found->is_number_integer() ? found->dump() : std::string();
}

// It will stand on a terminal and in a request line.
bool is_plain(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

std::vector<std::pair<std::string, std::string>> fields_for(const tunnel_options& o) {
    std::vector<std::pair<std::string, std::string>> fields{{"Accept", "application/json"}};
    if (!o.key.empty()) fields.emplace_back("Authorization", "Bearer " + std::string(o.key.reveal()));
    return fields;
}

secret order_for(const tunnel_options& o) {
    json order;
    order["local_port"] = o.upstream.port != 0 ? static_cast<int>(o.upstream.port) : port_of_no_port;
    order["target"] = o.upstream.display;
    if (!o.name.empty()) order["subdomain"] = o.name;
    if (!o.visitor_password.empty()) order["password"] = o.visitor_password.reveal();
    if (!o.visitor_basic.empty()) order["basic_auth"] = o.visitor_basic.reveal();
    return secret(order.dump(-1, ' ', false, json::error_handler_t::replace));
}

outcome<v1_place> make(const tunnel_options& o, api::http_client& http) {
    auto fields = fields_for(o);
    fields.emplace_back("Content-Type", "application/json");
    const auto order = order_for(o);
    auto reply = http.send("POST", base_of(o.server) + "/tunnels", fields, order.reveal(), call_limit);
    if (!reply) return reply.error();
    if (reply->status != 201 && reply->status != 200)
        return failure_of_v1(reply->status, reply->body.reveal(), o.server);
    const auto made = parse(reply->body);
    const auto id = text_of(made, "id");
    v1_place place{"/tunnels/" + id + "/connect", text_of(made, "url"), text_of(made, "subdomain"),
                   !o.visitor_password.empty() || !o.visitor_basic.empty()};
    if (!is_plain(id, 64) || id.find_first_of("/?#%") != std::string::npos || !is_plain(place.url, 300))
        return failure(errc::unexpected_reply, o.server + " made a tunnel and did not say which");
    return place;
}

outcome<v1_place> find(const tunnel_options& o, api::http_client& http) {
    if (!o.visitor_password.empty() || !o.visitor_basic.empty())
        return failure(errc::usage, "Over transport v1 a password is given when a tunnel is created, not by connect",
                       "Leave --password and --auth out, or create the tunnel anew: instatunnel TARGET -s NAME");
    const bool is_host = o.existing_host.find('.') != std::string::npos;
    v1_place place;
    place.path = (is_host ? "/tunnels/domain/" : "/tunnels/subdomain/") + o.existing_host + "/connect";
    place.name = o.existing_host.substr(0, o.existing_host.find('.'));
    auto reply = http.send("GET", base_of(o.server) + "/tunnels", fields_for(o), {}, call_limit);
    if (!reply) return reply.error();
    if (reply->status != 200) return failure_of_v1(reply->status, reply->body.reveal(), o.server);
    const auto list = parse(reply->body);
    if (list.is_array())
        for (const auto& t : list)
            if (text_of(t, "subdomain") == place.name) place.url = text_of(t, "url");
    if (!is_plain(place.url, 300)) place.url = "https://" + o.existing_host;
    return place;
}

}  // namespace

failure failure_of_v1(int status, std::string_view body, const std::string& server) {
    const auto parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
    auto words = text_of(parsed, "message");
    if (words.empty()) words = text_of(parsed, "error");
    const auto shows = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; };
    if (words.size() > 300 || !std::ranges::all_of(words, shows)) words.clear();
    // Some servers let the words of their data base through.
    const bool is_taken = words.find("already taken") != std::string::npos ||
                          words.find("already reserved") != std::string::npos ||
                          words.find("duplicate key") != std::string::npos;
    const auto fail = [&](errc code) { return words.empty() ? failure(code) : failure(code, words); };
    if (status == 409 || is_taken)
        return {errc::name_taken, words.find("subdomain already taken") != std::string::npos
                                      ? words
                                      : "subdomain already taken: it belongs to another account or tunnel"};
    switch (status) {
        case 401:
            return errc::invalid_key;
        case 403:
            return fail(errc::forbidden);
        case 404:
            return fail(errc::not_found);
        case 429:
            return fail(errc::rate_limited);
        case 500:
        case 502:
        case 503:
        case 504:
            return {errc::connection_lost,
                    server + " cannot serve tunnels right now (status " + std::to_string(status) + ")"};
        default:
            return {errc::unexpected_reply,
                    server + " answered with status " + std::to_string(status) + (words.empty() ? "" : ": " + words)};
    }
}

outcome<v1_place> open_v1_tunnel(const tunnel_options& options) {
    if (options.kind != wire::itp::stream_kind::http)
        return failure(errc::usage,
                       "Transport v1 carries HTTP requests only, not " +
                           std::string(wire::itp::kind_name(options.kind)) + " connections",
                       "Use a server that speaks v2");
    auto http = api::make_http_client(options.cacert);
    if (!http) return http.error();
    return options.existing_host.empty() ? make(options, **http) : find(options, **http);
}

bool speaks_only_v1(const std::string& server, const std::string& cacert) {
    auto http = api::make_http_client(cacert);
    if (!http) return false;
    const auto reply =
        (*http)->send("GET", base_of(server) + "/v1/meta", {{"Accept", "application/json"}}, {}, call_limit);
    if (!reply) return false;
    if (reply->status == 404) return true;
    const auto meta = parse(reply->body);
    if (reply->status != 200 || !meta.is_object()) return false;
    const auto known = meta.find("transports");
    return known != meta.end() && known->is_array() && std::ranges::find(*known, json("v2")) == known->end();
}

}  // namespace instatunnel::client
