#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "instatunnel/api/http_client.hpp"

namespace instatunnel::api {

/// How long a refusal asks to wait: `retry_after` of `body`, else the field Retry-After in seconds (RFC 9110 §10.2.3;
/// a date is not understood). At most a day. nullopt: it does not say, or says 0.
std::optional<std::chrono::seconds> retry_after(const http_reply& reply, const nlohmann::json& body);

}  // namespace instatunnel::api
