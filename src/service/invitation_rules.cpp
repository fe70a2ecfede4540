#include "invitation_rules.hpp"

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/one_time_token.hpp"

namespace instatunnel::service {
namespace {

// Many mail services deliver NAME+ANYTHING@HOST to NAME@HOST.
std::string without_suffix(std::string_view email) {
    const auto at = email.find('@');
    const auto plus = email.find('+');
    if (at == std::string_view::npos || plus == std::string_view::npos || plus > at || plus == 0)
        return std::string(email);
    return std::string(email.substr(0, plus)) + std::string(email.substr(at));
}

}  // namespace

made_invitation make_invitation(wall_time now, wall_time expires_at) {
    made_invitation made{auth::make_invitation_code(), {}};
    made.record.id = auth::make_id("inv");
    made.record.code_digest = auth::one_time_digest(made.code.reveal());
    made.record.created_at = now;
    made.record.expires_at = expires_at;
    return made;
}

bool is_usable(const store::invitation& i, std::string_view email, wall_time now) {
    if (i.revoked_at || i.expires_at <= now || i.uses >= i.uses_allowed) return false;
    return i.inviter_email.empty() || without_suffix(i.inviter_email) != without_suffix(email);
}

}  // namespace instatunnel::service
