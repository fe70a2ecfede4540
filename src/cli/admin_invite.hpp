#pragma once

#include <cstdint>
#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct admin_invite_options {
    enum class action : std::uint8_t { create, list, revoke };
    action what = action::create;
    std::string plan;
    std::string credit;  ///< whole numbers
    std::string uses = "1";
    std::string expires = "30d";
    std::string inviter;
    std::string inviter_plan;
    std::string inviter_credit;
    std::string id;
    std::string data;
};
outcome<exit_code> run_admin_invite(const admin_invite_options& options, context& c);

}  // namespace instatunnel::cli
