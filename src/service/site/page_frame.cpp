#include "page_frame.hpp"

#include "instatunnel/base/encoding.hpp"
#include "style.hpp"

namespace instatunnel::service {
namespace {

struct entry {
    std::string_view path;
    std::string_view title;
};
constexpr entry navigation[] = {
    {"/account", "Overview"},  {"/account/keys", "API keys"},     {"/account/devices", "Devices"},
    {"/account/apps", "Apps"}, {"/account/security", "Security"}, {"/account/events", "Events"},
};

markup begin(std::string_view domain, std::string_view title) {
    markup m;
    m.raw(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<meta name=\"robots\" content=\"noindex\"><title>");
    m.text(title).raw(" · ").text(domain).raw("</title><style>").raw(page_style).raw("</style></head><body>");
    return m;
}

void box(markup& m, std::string_view css_class, std::string_view role, std::string_view text) {
    m.raw("<p class=\"").raw(css_class).raw("\" role=\"").raw(role).raw("\">").text(text);
    if (!text.ends_with('.') && !text.ends_with('!')) m.raw(".");
    m.raw("</p>\n");
}

}  // namespace

std::string small_page(std::string_view domain, std::string_view title, const markup& content) {
    auto m = begin(domain, title);
    m.raw("<main class=\"small\"><div class=\"paper\"><h1>").text(title).raw("</h1>\n").raw(content.html());
    m.raw("\n</div><p class=\"soft\">").text(domain).raw("</p></main></body></html>\n");
    return m.html();
}

std::string account_page(const account_frame& frame, std::string_view title, const markup& content) {
    auto m = begin(frame.domain, title);
    m.raw("<a class=\"skip\" href=\"#main\">To the content</a><header class=\"top\"><div class=\"wide\"><strong>");
    m.text(frame.domain).raw("</strong><nav aria-label=\"Account\"><ul>");
    for (const auto& [path, name] : navigation) {
        m.raw("<li><a href=\"").raw(path).raw("\"").raw(path == frame.current ? " aria-current=\"page\"" : "");
        m.raw(">").raw(name).raw("</a></li>");
    }
    m.raw("</ul></nav><form class=\"who\" method=\"post\" action=\"/sign-out\"><span>").text(frame.email);
    m.raw("</span>").hidden("csrf", frame.csrf).raw("<button class=\"quiet\">Sign out</button></form></div></header>");
    m.raw("<main class=\"wide\" id=\"main\"><h1>").text(title).raw("</h1>\n").raw(content.html());
    m.raw("\n</main></body></html>\n");
    return m.html();
}

void add_problem(markup& m, std::string_view text) {
    if (!text.empty()) box(m, "problem", "alert", text);
}

void add_notice(markup& m, std::string_view text) {
    if (!text.empty()) box(m, "notice", "status", text);
}

std::string source_of(std::string_view address) {
    const auto colon = address.find(':');
    const auto scheme = address.substr(0, colon == std::string_view::npos ? address.size() : colon + 1);
    if (address.substr(scheme.size(), 2) != "//") return std::string(scheme);
    const auto host = address.substr(scheme.size() + 2);
    // Content-Security-Policy has no way to write an IPv6 address.
    if (host.starts_with('[')) return std::string(scheme);
    return std::string(scheme) + "//" + std::string(host.substr(0, host.find_first_of("/?#")));
}

header_fields page_fields(std::string_view form_target) {
    static const std::string style_digest = to_base64(sha256(page_style));
    std::string policy = "default-src 'none'; style-src 'sha256-" + style_digest + "'; form-action 'self'";
    if (!form_target.empty()) policy += " " + std::string(form_target);
    policy += "; frame-ancestors 'none'; base-uri 'none'";
    return {
        {"Content-Type", "text/html; charset=utf-8"},
        {"Content-Security-Policy", std::move(policy)},
        {"X-Frame-Options", "DENY"},
        {"X-Content-Type-Options", "nosniff"},
        // Addresses hold tokens and requests. Not no-referrer: with it browsers send "Origin: null" with our own forms.
        {"Referrer-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    };
}

}  // namespace instatunnel::service
