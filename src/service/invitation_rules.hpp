#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

inline constexpr std::uint64_t max_invitation_uses = 10'000;
inline constexpr std::uint64_t max_credit = 1'000'000'000;
inline constexpr std::chrono::hours default_invitation_life{30 * 24};
inline constexpr std::chrono::hours longest_invitation_life{366 * 24};

struct made_invitation {
    secret code;  ///< shown once
    store::invitation record;
};

/// A new code with id and digest; the caller fills in the rest of the record.
made_invitation make_invitation(wall_time now, wall_time expires_at);

/// Whether somebody with this address may come by it now: nobody invites themselves, also not by ana+2@example.com.
bool is_usable(const store::invitation& i, std::string_view email, wall_time now);

}  // namespace instatunnel::service
