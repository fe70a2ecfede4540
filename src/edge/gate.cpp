#include "gate.hpp"

#include <algorithm>
#include <charconv>

#include "error_page.hpp"
#include "gate_page.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/wire/accept.hpp"

namespace instatunnel::edge {
namespace {

constexpr std::string_view password_field = "X-Tunnel-Password";
constexpr std::size_t longest_way_back = 2048;
constexpr std::size_t form_fields = 8;

std::string_view find_field(const wire::request_head& head, std::string_view name) {
    for (const auto& f : head.fields)
        if (iequals(f.name, name)) return f.value;
    return {};
}

bool has_field(const wire::request_head& head, std::string_view name) {
    return std::ranges::any_of(head.fields, [&](const wire::field& f) { return iequals(f.name, name); });
}

// The token of "Basic <token>" (RFC 7617); empty for another scheme.
std::string_view basic_token(const wire::request_head& head) {
    const auto value = find_field(head, "Authorization");
    if (value.size() < 6 || !iequals(value.substr(0, 6), "Basic ")) return {};
    return trim(value.substr(6));
}

// The password in it, whoever's name stands before; empty if it is not well written.
std::string password_in(std::string_view token) {
    std::string url(token);
    while (url.ends_with('='))
        url.pop_back();
    std::ranges::replace(url, '+', '-');
    std::ranges::replace(url, '/', '_');
    const auto credentials = from_base64url(url);
    const auto colon = credentials ? credentials->find(':') : std::string::npos;
    return colon == std::string::npos ? std::string() : credentials->substr(colon + 1);
}

// Browsers ask before they send what is not simple, and never with credentials (Fetch §4.8): the app answers that.
bool is_preflight(const wire::request_head& head) {
    return head.method == "OPTIONS" && has_field(head, "Origin") && has_field(head, "Access-Control-Request-Method");
}

// A path of this host and nothing that a browser could take for another one.
bool is_way_back(std::string_view to) {
    const auto usable = [](char c) { return c > ' ' && c < 0x7F && c != '\\'; };
    return to.starts_with('/') && !to.starts_with("//") && to.size() <= longest_way_back &&
           std::ranges::all_of(to, usable);
}

// Calls `each` with name and value of every cookie in a Cookie field (RFC 6265 §5.4).
template <class Each>
void each_cookie(std::string_view value, Each each) {
    while (!value.empty()) {
        const auto end = std::min(value.find(';'), value.size());
        const auto pair = trim(value.substr(0, end));
        value.remove_prefix(std::min(end + 1, value.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (!pair.empty()) each(trim(pair.substr(0, equals)), pair);
    }
}

std::string_view value_of(std::string_view pair) {
    const auto equals = pair.find('=');
    return equals == std::string_view::npos ? std::string_view() : trim(pair.substr(equals + 1));
}

service::api_response page_response(int status, std::string body) {
    return {status, gate_page_fields(), std::move(body)};
}

void forbid_caching(service::api_response& response) {
    response.fields.emplace_back("Cache-Control", "no-store");
}

}  // namespace

gate::gate(const gate_wish& wish, std::string host) : host_(std::move(host)), salt_(random_base62(43)) {
    if (!wish.password.empty()) password_ = hmac_sha256(salt_, wish.password.reveal());
    if (!wish.basic.empty()) basic_ = hmac_sha256(salt_, to_base64(wish.basic.reveal()));
    // Without a seed cookies end with this connection of the client, which is safe if not comfortable.
    const auto seed = wish.seed.empty() ? salt_ : std::string(wish.seed.reveal());
    cookie_key_ = hmac_sha256(hmac_sha256(seed, "cookie"), wish.password.reveal());
}

bool gate::is_password(std::string_view text) const {
    return !password_.empty() && constant_time_equal(hmac_sha256(salt_, text), password_);
}

bool gate::is_basic(std::string_view token) const {
    return !basic_.empty() && constant_time_equal(hmac_sha256(salt_, token), basic_);
}

// Counted before it is told, so that guesses at the same moment do not pass the limit; right ones do not count.
gate::answer gate::judge(bool is_right, auth::token_bucket& tries, std::chrono::steady_clock::time_point now) const {
    if (!tries.take(now)) return answer::too_many;
    if (is_right) tries.give_back(now);
    return is_right ? answer::right : answer::wrong;
}

gate::verdict gate::check(const wire::request_head& head, auth::token_bucket& tries,
                          std::chrono::steady_clock::time_point now, std::chrono::sys_seconds wall) const {
    verdict v;
    if (is_preflight(head)) return v;
    if (!password_.empty() && has_cookie(head, wall)) {
        v.shown = proof::cookie;
        return v;
    }
    const auto path = head.path.substr(0, head.path.find('?'));
    if (!password_.empty() && path == sign_in_path && head.method == "POST") {
        v.is_sign_in = true;
        return v;
    }
    auto so_far = answer::right;  // nothing was wrong yet
    if (const auto password = find_field(head, password_field); !password_.empty() && !password.empty()) {
        so_far = judge(is_password(password), tries, now);
        v.shown = proof::header;
    } else if (const auto token = basic_token(head); !token.empty()) {
        so_far = judge(is_basic(token) || is_password(password_in(token)), tries, now);
        v.shown = proof::basic;
    }
    if (v.shown == proof::none || so_far != answer::right) v.refusal = ask(head, so_far);
    return v;
}

service::api_response gate::ask(const wire::request_head& head, answer so_far) const {
    const auto accept = find_field(head, "Accept");
    const bool is_page = wire::preferred_form(accept) == wire::page_form::html;
    const int status = so_far == answer::too_many ? 429 : 401;
    const std::string_view problem = so_far == answer::too_many ? "Too many wrong passwords: wait a minute"
                                     : so_far == answer::wrong  ? "That is not the password"
                                                                : "";
    service::api_response response;
    if (is_page && !password_.empty()) {
        const bool can_go_back = head.method == "GET" && is_way_back(head.path);
        const auto here = head.path.substr(0, head.path.find('?')) == sign_in_path;
        response =
            page_response(status, gate_page(host_, sign_in_path, can_go_back && !here ? head.path : "/", problem));
    } else {
        const auto hint = password_.empty() ? "Send its user name and password as Basic authorization."
                                            : "Send its password as X-Tunnel-Password, or as the password of Basic "
                                              "authorization with any user name.";
        auto page = render({status,
                            status == 429 ? "rate_limited" : "unauthorized",
                            problem.empty() ? "This tunnel asks for a password" : problem,
                            hint,
                            {}},
                           accept);
        response = {status, {{"Content-Type", std::string(page.content_type)}}, std::move(page.body)};
    }
    forbid_caching(response);
    response.fields.emplace_back("X-Instatunnel-Error", status == 429 ? "rate_limited" : "unauthorized");
    if (status == 429) {
        response.fields.emplace_back("Retry-After", "60");
        return response;
    }
    // Browsers would cover the page with a box of their own at the name of Basic; they say what they are.
    const bool is_browser = is_page || has_field(head, "Sec-Fetch-Mode");
    const std::string scheme = basic_.empty() && is_browser ? "InstaTunnel-Password" : "Basic";
    response.fields.emplace_back("WWW-Authenticate", scheme + " realm=\"" + host_ + "\", charset=\"UTF-8\"");
    return response;
}

service::api_response gate::sign_in(std::string_view text, auth::token_bucket& tries,
                                    std::chrono::steady_clock::time_point now, std::chrono::sys_seconds wall) const {
    const auto sent = form::parse(text, form_fields).value_or(form());
    const auto wanted = sent.value("to");
    const auto to = is_way_back(wanted) ? wanted : std::string_view("/");
    const auto judged = judge(is_password(sent.value("password")), tries, now);
    if (judged != answer::right) {
        const bool is_limit = judged == answer::too_many;
        auto response =
            page_response(is_limit ? 429 : 401,
                          gate_page(host_, sign_in_path, to,
                                    is_limit ? "Too many wrong passwords: wait a minute" : "That is not the password"));
        forbid_caching(response);
        if (is_limit)
            response.fields.emplace_back("Retry-After", "60");
        else
            response.fields.emplace_back("WWW-Authenticate", "InstaTunnel-Password realm=\"" + host_ + "\"");
        return response;
    }
    service::api_response response;
    response.status = 303;
    response.fields = {{"Content-Type", "text/plain; charset=utf-8"},
                       {"Location", std::string(to)},
                       {"Set-Cookie", std::string(cookie_name) + "=" + make_cookie(wall) + "; Path=/; Max-Age=" +
                                          std::to_string(cookie_life.count()) + "; Secure; HttpOnly; SameSite=Lax"}};
    forbid_caching(response);
    response.body = "Signed in\n";
    return response;
}

// "<end of its life in seconds>.<signature over that and the host>".
std::string gate::make_cookie(std::chrono::sys_seconds wall) const {
    const auto end = std::to_string((wall + cookie_life).time_since_epoch().count());
    return end + "." + to_base64url(hmac_sha256(cookie_key_, host_ + "\n" + end));
}

bool gate::is_cookie(std::string_view value, std::chrono::sys_seconds wall) const {
    const auto end = value.substr(0, value.find('.'));
    std::int64_t seconds = 0;
    const auto [stop, error] = std::from_chars(end.data(), end.data() + end.size(), seconds);
    if (error != std::errc() || stop != end.data() + end.size() || end.size() == value.size()) return false;
    const auto signature = to_base64url(hmac_sha256(cookie_key_, host_ + "\n" + std::string(end)));
    return constant_time_equal(signature, value.substr(end.size() + 1)) && wall.time_since_epoch().count() < seconds;
}

bool gate::has_cookie(const wire::request_head& head, std::chrono::sys_seconds wall) const {
    bool found = false;
    for (const auto& f : head.fields) {
        if (!iequals(f.name, "Cookie")) continue;
        each_cookie(f.value, [&](std::string_view name, std::string_view pair) {
            found = found || (name == cookie_name && is_cookie(value_of(pair), wall));
        });
    }
    return found;
}

void gate::hide(proof shown, std::vector<wire::field>& fields, std::string& scratch) const {
    std::erase_if(fields, [&](const wire::field& f) {
        return (!password_.empty() && iequals(f.name, password_field)) ||
               (shown == proof::basic && iequals(f.name, "Authorization"));
    });
    if (password_.empty()) return;
    std::size_t room = 0;
    for (const auto& f : fields)
        if (iequals(f.name, "Cookie")) room += f.value.size();
    scratch.clear();
    scratch.reserve(room * 2);  // with blanks behind semicolons; views into it must stay where they are
    for (auto& f : fields) {
        if (!iequals(f.name, "Cookie") || f.value.find(cookie_name) == std::string_view::npos) continue;
        const auto start = scratch.size();
        each_cookie(f.value, [&](std::string_view name, std::string_view pair) {
            if (name == cookie_name) return;
            if (scratch.size() != start) scratch += "; ";
            scratch += pair;
        });
        f.value = std::string_view(scratch).substr(start);
    }
    std::erase_if(fields, [](const wire::field& f) { return f.value.empty() && iequals(f.name, "Cookie"); });
}

}  // namespace instatunnel::edge
