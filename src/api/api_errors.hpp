#pragma once

#include <string_view>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"

namespace instatunnel::api {

/// What was asked, where an answer's meaning depends on it.
enum class question { login, registration, with_key };

/// The failure that an answer of the API means (any status but 2xx). Words of the server are shown only where the
/// status alone says too little, and only if they are printable and short. `server` is the API's base, for messages.
failure to_failure(const http_reply& reply, question asked, std::string_view server);

}  // namespace instatunnel::api
