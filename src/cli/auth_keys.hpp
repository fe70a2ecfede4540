#pragma once

#include <string>
#include <vector>

#include "context.hpp"
#include "instatunnel/base/clock.hpp"

namespace instatunnel::cli {

struct keys_list_options {};
outcome<exit_code> run_keys_list(const keys_list_options& options, context& c);

struct keys_show_options {
    std::string id;
};
outcome<exit_code> run_keys_show(const keys_show_options& options, context& c);

struct keys_create_options {
    std::string name;
    std::vector<std::string> scopes;
    std::string expires;  ///< "30d" or RFC 3339; empty: never
};
outcome<exit_code> run_keys_create(const keys_create_options& options, context& c);

struct keys_rename_options {
    std::string id;
    std::string name;
};
outcome<exit_code> run_keys_rename(const keys_rename_options& options, context& c);

struct keys_revoke_options {
    std::string id;
    bool yes = false;
};
outcome<exit_code> run_keys_revoke(const keys_revoke_options& options, context& c);

struct keys_rotate_options {
    std::string id;  ///< empty: the key in use
    std::string grace;
    bool store = false;
};
outcome<exit_code> run_keys_rotate(const keys_rotate_options& options, context& c);

/// "30d" from `now` on, or a time to come, as RFC 3339; nullopt for an empty text. Errors: usage.
outcome<std::optional<std::string>> parse_expiry(const std::string& text, wall_time now);

}  // namespace instatunnel::cli
