#include "link_pages.hpp"

#include "instatunnel/base/encoding.hpp"

namespace instatunnel::service {
namespace {

constexpr std::string_view style =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1c2128}"
    "main{max-width:26rem;margin:10vh auto;padding:2rem;background:#fff;border:1px solid #d9dde3;border-radius:8px}"
    "h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:1rem 0 .25rem}"
    "input[type=password]{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #8a94a3;"
    "border-radius:6px;background:inherit;color:inherit}"
    "button{margin-top:1.25rem;padding:.6rem 1.2rem;font:inherit;border:0;border-radius:6px;background:#1f5fd0;"
    "color:#fff;cursor:pointer}small{display:block;margin-top:1rem;color:#59636e}"
    ".problem{padding:.6rem .8rem;border-left:4px solid #c62828;background:#fdecea;color:#5f1513}"
    "@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ed}"
    "main{background:#1c2128;border-color:#363d47}small{color:#a3adb8}.problem{background:#3b1d1c;color:#f6c9c5}}";

std::string page(std::string_view domain, std::string_view title, const std::string& content) {
    std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    html += "<meta name=\"robots\" content=\"noindex\"><title>";
    html.append(title).append(" · ").append(escape_html(domain)).append("</title><style>").append(style);
    html.append("</style></head><body><main><h1>").append(title).append("</h1>\n").append(content);
    return html + "\n</main></body></html>\n";
}

std::string hidden(std::string_view name, std::string_view value) {
    return "<input type=\"hidden\" name=\"" + std::string(name) + "\" value=\"" + escape_html(value) + "\">";
}

}  // namespace

std::string reset_page(std::string_view domain, std::string_view token, std::string_view problem) {
    std::string content;
    if (!problem.empty()) content += "<p class=\"problem\" role=\"alert\">" + escape_html(problem) + ".</p>";
    content += "<form method=\"post\" action=\"/auth/reset\">" + hidden("token", token);
    content += "<label for=\"password\">New password for " + escape_html(domain) + "</label>";
    content +=
        "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" "
        "maxlength=\"1024\" required autofocus>";
    content += "<label><input type=\"checkbox\" name=\"revoke_keys\" value=\"all\"> End all API keys</label>";
    content += "<button>Save the password</button>";
    content +=
        "<small>At least 8 characters; a few words that do not belong together are good. API keys that signing in "
        "made end in any case, others stay unless you tick the box.</small></form>";
    return page(domain, "Choose a password", content);
}

std::string password_changed_page(std::string_view domain, std::size_t revoked_keys) {
    return page(domain, "The password is saved",
                "<p>" + std::to_string(revoked_keys) + (revoked_keys == 1 ? " API key has" : " API keys have") +
                    " ended with the old one. You may close this page and sign in.</p>");
}

std::string verify_page(std::string_view domain, std::string_view token) {
    return page(domain, "Confirm your email address",
                "<form method=\"post\" action=\"/auth/verify\">" + hidden("token", token) +
                    "<p>Somebody made an account at " + escape_html(domain) +
                    " with this address. If that was you:</p><button>Yes, it is mine</button></form>");
}

std::string verified_page(std::string_view domain) {
    return page(domain, "Your address is confirmed", "<p>You may close this page.</p>");
}

std::string trouble_page(std::string_view domain, std::string_view problem) {
    return page(domain, "That did not work", "<p class=\"problem\" role=\"alert\">" + escape_html(problem) + ".</p>");
}

const std::vector<std::pair<std::string, std::string>>& page_fields() {
    static const std::vector<std::pair<std::string, std::string>> fields{
        {"Content-Type", "text/html; charset=utf-8"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'sha256-" + to_base64(sha256(style)) +
                                        "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
        {"X-Frame-Options", "DENY"},
        {"X-Content-Type-Options", "nosniff"},
        // The address of the page holds the token.
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    return fields;
}

}  // namespace instatunnel::service
