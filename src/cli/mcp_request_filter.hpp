#pragma once

#include <nlohmann/json.hpp>

#include "instatunnel/client/recording.hpp"
#include "served_tunnels.hpp"

namespace instatunnel::cli {

/// The arguments by which tools choose among recorded requests: tunnel, method, path, status.
void add_head_filter(nlohmann::json& properties);
/// Those that look into bodies: body_contains, json.
void add_body_filter(nlohmann::json& properties);
/// What such arguments mean. Errors: usage, with what is wrong.
outcome<client::recorded_filter> read_filter(const nlohmann::json& arguments, const served_tunnels& tunnels);

/// The argument `name`, the id of a request; `otherwise` when it is missing. Errors: usage.
outcome<std::uint64_t> request_argument(const nlohmann::json& arguments, const char* name, std::uint64_t otherwise);

/// How much of each body a tool shows.
void add_body_limit(nlohmann::json& properties);
std::size_t body_limit_of(const nlohmann::json& arguments);

}  // namespace instatunnel::cli
