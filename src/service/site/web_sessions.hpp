#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../call.hpp"
#include "../tuning.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

inline constexpr std::chrono::hours web_session_life{30 * 24};
inline constexpr std::chrono::hours web_session_idle{7 * 24};

/// Somebody who is signed in to the pages.
struct signed_in_person {
    store::web_session session;
    store::user person;
};

/// Who looks at a page, and whether a form that comes back is one that we gave them. On the service's thread.
///
/// Two cookies: one of the browser from its first form on, and one of the sign-in, which is always a new one, so that
/// nobody can be made to sign in to a session that somebody else knows. Both carry the prefix __Host-: a tunnel's app
/// lives on a sibling host and could otherwise set them (RFC 6265bis §4.1.3.2).
class web_sessions {
public:
    /// All outlive the object.
    web_sessions(store::store& data, const secret& pepper, const tuning& t);

    /// nullopt: nobody, or not any more.
    outcome<std::optional<signed_in_person>> find(const call& c);

    /// Makes a session; cookie_field() brings it to the browser. May be part of the caller's transaction.
    struct started {
        store::web_session record;
        secret cookie;
    };
    outcome<started> start(const call& c, const store::user& person);
    static std::pair<std::string, std::string> session_cookie(const secret& cookie);
    static std::pair<std::string, std::string> no_session_cookie();

    /// What a form of this page must carry: it is bound to the session, or without one to the browser, which gets a
    /// cookie with the answer if it has none yet.
    std::string form_token(call& c);
    /// The form carries the token of this browser, and no other site's page sent it.
    bool is_ours(const call& c, const form& fields, std::string_view own_origin) const;
    /// What this browser is known by; empty: by nothing yet.
    static std::string_view browser(const call& c);

private:
    std::string token_for(std::string_view cookie) const;

    store::store& store_;
    secret key_;
    const secret& pepper_;
    const tuning& tuning_;
};

/// Value of a cookie that the request carries; empty if there is none.
std::string_view cookie_value(const call& c, std::string_view name);

}  // namespace instatunnel::service
