#pragma once

#include <string>
#include <vector>

#include "context.hpp"

namespace instatunnel::cli {

struct admin_key_list_options {
    std::string email;  ///< empty: of all users
    std::string data;
};
outcome<exit_code> run_admin_key_list(const admin_key_list_options& options, context& c);

struct admin_key_create_options {
    std::string email;
    std::string name;
    std::vector<std::string> scopes;
    std::string expires;
    std::string data;
};
outcome<exit_code> run_admin_key_create(const admin_key_create_options& options, context& c);

struct admin_key_revoke_options {
    std::string id;
    std::string data;
};
outcome<exit_code> run_admin_key_revoke(const admin_key_revoke_options& options, context& c);

}  // namespace instatunnel::cli
