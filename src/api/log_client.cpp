#include "instatunnel/api/log_client.hpp"

#include "instatunnel/base/form.hpp"
#include "json_call.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t most_requests = 1000;

bool is_true(const json& object, const char* name) {
    const auto& value = member(object, name);
    return value.is_boolean() && value.get<bool>();
}

request_entry to_request(const json& one) {
    request_entry request;
    request.at = text(one, "at");
    request.tunnel = text(one, "tunnel");
    request.tunnel_id = text(one, "tunnel_id");
    request.method = text(one, "method");
    request.path = text(one, "path");
    request.path_cut = is_true(one, "path_cut");
    if (member(one, "status").is_number_unsigned()) request.status = count(one, "status");
    request.complete = is_true(one, "complete");
    request.bytes_in = count(one, "bytes_in");
    request.bytes_out = count(one, "bytes_out");
    const auto& took = member(one, "ms");
    if (took.is_number()) request.ms = took.get<double>();
    return request;
}

std::string path_of(const request_question& asked) {
    form query;
    query.add("limit", std::to_string(asked.limit));
    if (!asked.after.empty()) query.add("after", asked.after);
    if (!asked.since.empty()) query.add("since", asked.since);
    if (!asked.status.empty()) query.add("status", asked.status);
    if (!asked.path.empty()) query.add("path", asked.path);
    if (asked.wait.count() > 0) query.add("wait", std::to_string(asked.wait.count()));
    const auto where = asked.tunnel.empty() ? "/logs" : "/tunnels/" + encode_path_segment(asked.tunnel) + "/requests";
    return where + "?" + query.text();
}

}  // namespace

log_client::log_client(http_client& http, std::string server) : http_(http), server_(std::move(server)) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<request_page> log_client::requests(const secret& key, const request_question& asked) {
    const failure unknown(errc::not_found, "There is no tunnel \"" + asked.tunnel + "\" in this account",
                          "See the tunnels there are: instatunnel ls");
    if (asked.tunnel == "." || asked.tunnel == "..") return unknown;  // they would change the path
    auto reply = json_call(http_, server_).send("GET", path_of(asked), &key, {}, question::with_key);
    if (!reply) return reply.error().code == errc::not_found && !asked.tunnel.empty() ? unknown : reply.error();
    const auto& list = member(*reply, "requests");
    request_page page;
    page.next = text(*reply, "next");
    page.gap = is_true(*reply, "gap");
    if (!list.is_array() || list.size() > most_requests || page.next.empty()) return unexpected(server_);
    for (const auto& one : list)
        page.requests.push_back(to_request(one));
    return page;
}

}  // namespace instatunnel::api
