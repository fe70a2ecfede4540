#pragma once

#include <string>
#include <string_view>

#include "https_connection.hpp"
#include "instatunnel/api/http_client.hpp"

namespace instatunnel::api {

/// Reads the answer to a `method` request: interim answers are skipped, the head is bounded as visitors' are, the body
/// by `max_body`. `server` is the name for messages. Errors: those of https_connection::read, unexpected_reply.
outcome<http_reply> read_reply(https_connection& connection, std::string_view method, const std::string& server,
                               std::size_t max_body);

}  // namespace instatunnel::api
