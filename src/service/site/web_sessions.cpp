#include "web_sessions.hpp"

#include <algorithm>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::service {
namespace {

constexpr std::string_view session_name = "__Host-it_session";
constexpr std::string_view browser_name = "__Host-it_browser";
constexpr std::string_view attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax";
// A look at a page a minute later is the same use: it costs no write.
constexpr std::chrono::minutes touch_every{1};
constexpr std::size_t max_agent_bytes = 160;

std::pair<std::string, std::string> set_cookie(std::string_view name, std::string_view value,
                                               std::chrono::seconds life) {
    std::string text(name);
    text.append("=").append(value).append(attributes).append("; Max-Age=").append(std::to_string(life.count()));
    return {"Set-Cookie", text};
}

std::string shown_agent(std::string_view agent) {
    std::string text(agent.substr(0, max_agent_bytes));
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

}  // namespace

std::string_view cookie_value(const call& c, std::string_view name) {
    for (const auto& [field, list] : c.request.fields) {
        if (!iequals(field, "Cookie")) continue;
        std::string_view rest = list;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = trim(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
                return pair.substr(name.size() + 1);
        }
    }
    return {};
}

web_sessions::web_sessions(store::store& data, const secret& pepper, const tuning& t)
    : store_(data), key_(auth::derive_secret(pepper, "forms of the pages")), pepper_(pepper), tuning_(t) {}

outcome<std::optional<signed_in_person>> web_sessions::find(const call& c) {
    const auto cookie = cookie_value(c, session_name);
    if (!auth::is_one_time_token(cookie)) return std::optional<signed_in_person>();
    auto session = store_.find_web_session(auth::key_digest(pepper_, cookie));
    if (!session) return session.error();
    const auto now = tuning_.now();
    const bool alive = *session && (*session)->expires_at > now && (*session)->last_seen_at + web_session_idle > now;
    if (!alive) return std::optional<signed_in_person>();
    auto person = store_.find_user((*session)->user_id);
    if (!person) return person.error();
    if (!*person || (*person)->disabled) return std::optional<signed_in_person>();
    if (now - (*session)->last_seen_at > touch_every)
        if (auto touched = store_.touch_web_session((*session)->id, now); !touched) return touched.error();
    return std::optional(signed_in_person{std::move(**session), std::move(**person)});
}

outcome<web_sessions::started> web_sessions::start(const call& c, const store::user& person) {
    started made{{}, auth::make_one_time_token()};
    auto& record = made.record;
    record.id = auth::make_id("ses");
    record.digest = auth::key_digest(pepper_, made.cookie.reveal());
    record.user_id = person.id;
    record.account_id = person.account_id;
    record.address = c.request.remote_address;
    record.agent = shown_agent(c.field("User-Agent"));
    record.created_at = record.last_seen_at = tuning_.now();
    record.expires_at = record.created_at + web_session_life;
    if (auto stored = store_.add_web_session(record); !stored) return stored.error();
    return made;
}

std::pair<std::string, std::string> web_sessions::session_cookie(const secret& cookie) {
    return set_cookie(session_name, cookie.reveal(), web_session_life);
}

std::pair<std::string, std::string> web_sessions::no_session_cookie() {
    return set_cookie(session_name, "", std::chrono::seconds(0));
}

std::string_view web_sessions::browser(const call& c) {
    const auto session = cookie_value(c, session_name);
    if (auth::is_one_time_token(session)) return session;
    const auto known = cookie_value(c, browser_name);
    return auth::is_one_time_token(known) ? known : std::string_view();
}

std::string web_sessions::token_for(std::string_view cookie) const {
    return to_base64url(hmac_sha256(key_.reveal(), cookie));
}

std::string web_sessions::form_token(call& c) {
    if (const auto known = browser(c); !known.empty()) return token_for(known);
    const auto made = auth::make_one_time_token();
    c.added.push_back(set_cookie(browser_name, made.reveal(), std::chrono::hours(24)));
    return token_for(made.reveal());
}

bool web_sessions::is_ours(const call& c, const form& fields, std::string_view own_origin) const {
    // Browsers say where a form comes from; others need not. A sibling host (a tunnel) is another site's page too.
    const auto origin = c.field("Origin");
    const auto site = c.field("Sec-Fetch-Site");
    if (!origin.empty() && origin != own_origin) return false;
    if (!site.empty() && site != "same-origin" && site != "none") return false;
    const auto known = browser(c);
    return !known.empty() && constant_time_equal(fields.value("csrf"), token_for(known));
}

}  // namespace instatunnel::service
