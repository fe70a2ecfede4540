#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api_errors.hpp"
#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/secret.hpp"

/// What the typed clients of the API are made of.
namespace instatunnel::api {

using nlohmann::json;

/// How long one call may take, from name look-up to the last byte.
inline constexpr std::chrono::seconds call_limit{15};

failure unexpected(const std::string& server);

/// Text of the server that will reach a terminal: bounded, and nothing in it can steer one (control characters of
/// ASCII, and of Latin-1 as UTF-8 writes them).
std::string shown(const json& value);
/// null if there is no such member, or `object` is none.
const json& member(const json& object, const char* name);
/// shown() of a member.
std::string text(const json& object, const char* name);
/// 0 if the member is not a whole number.
std::uint64_t count(const json& object, const char* name);

std::string encode_path_segment(std::string_view segment);

/// One call: asks, maps what went wrong, gives the JSON of what went well (null for an empty body).
class json_call {
public:
    /// Both outlive the call.
    json_call(http_client& http, const std::string& server) : http_(http), server_(server) {}

    outcome<json> send(std::string_view method, const std::string& path, const secret* key, std::string_view body,
                       question asked);

private:
    http_client& http_;
    const std::string& server_;
};

}  // namespace instatunnel::api
