#pragma once

#include <string>
#include <string_view>

#include "api_parts.hpp"
#include "call.hpp"

namespace instatunnel::service {

struct route;

/// Decides whether a call may go on: keys, scopes, limits; and what the audit log says of it. Functions that return
/// bool have answered the call when they return false.
class call_guard {
public:
    /// `parts` outlives the guard.
    explicit call_guard(const api_parts& parts) : parts_(parts) {}

    bool authorise(const call_ptr& c, const route& r);
    /// After a wait: the key may have been revoked meanwhile.
    bool key_still_works(const call_ptr& c);
    bool refuse_if(const call_ptr& c, call_limits::refusal wait);
    bool refuse_if(const call_ptr& c, const call_limits::ruling& ruling);
    bool take_sign_in(const call_ptr& c, const std::string& email);
    void give_back_sign_in(const call_ptr& c, const std::string& email);
    /// By the caller's key and for its account; by nobody on a route without a key.
    audit_event event(const call_ptr& c, std::string_view action) const;
    void note_refused_sign_in(const call_ptr& c, audit_event event, const std::string& email);

private:
    bool check_key(const call_ptr& c);
    bool comes_without_key(const call& c) const;

    const api_parts& parts_;
};

}  // namespace instatunnel::service
