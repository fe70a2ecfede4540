#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "context.hpp"

namespace instatunnel::cli {

struct admin_oauth_client_options {
    enum class action : std::uint8_t { add, list, remove };
    action what = action::list;
    std::string name;
    std::string uri;
    std::string owner;
    std::vector<std::string> redirect_uris;
    std::vector<std::string> grants;
    std::vector<std::string> scopes;
    bool is_public = false;
    std::string id;
    std::string data;
};
outcome<exit_code> run_admin_oauth_client(const admin_oauth_client_options& options, context& c);

}  // namespace instatunnel::cli
