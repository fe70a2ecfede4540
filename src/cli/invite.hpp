#pragma once

#include <cstdint>
#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct invite_options {
    enum class action : std::uint8_t { create, list, revoke };
    action what = action::create;
    std::string uses = "1";
    std::string expires;  ///< "30d" or RFC 3339; empty: the server's default
    std::string id;
};
outcome<exit_code> run_invite(const invite_options& options, context& c);

}  // namespace instatunnel::cli
