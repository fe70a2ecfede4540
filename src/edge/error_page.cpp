#include "error_page.hpp"

#include <nlohmann/json.hpp>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/wire/accept.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {
namespace {

std::string status_line(int status) {
    return std::to_string(status) + " " + std::string(wire::reason_phrase(status));
}

std::string as_json(const error_page& page) {
    nlohmann::ordered_json body;
    body["error"] = page.code_name;
    body["message"] = page.message;
    body["code"] = page.status / 100 * 1000 + page.status % 100;
    body["request_id"] = page.request_id;
    if (!page.support.empty()) body["support"] = page.support;
    // The message may name what somebody typed: bytes that are not UTF-8 are replaced, never thrown about.
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_text(const error_page& page) {
    std::string text(page.message);
    text += '\n';
    if (!page.hint.empty()) text.append(page.hint).append("\n");
    if (!page.support.empty()) text.append("Contact: ").append(page.support).append("\n");
    text.append("\nError: ").append(page.code_name).append(" (").append(status_line(page.status)).append(")\n");
    if (!page.request_id.empty()) text.append("Request: ").append(page.request_id).append("\n");
    return text;
}

// The policy forbids scripts and every fetch, should an escape ever be forgotten.
constexpr std::string_view html_start = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<style>
:root { --page: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #30363d; } }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 15vh auto 0; padding: 0 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 1rem; }
.status, footer { color: var(--soft); }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; }
</style>
)";

// A URL of the owner becomes a link; no other scheme does, so that nothing but a page can stand behind it.
std::string contact_html(std::string_view support) {
    const auto shown = escape_html(support);
    if (!support.starts_with("https://") && !support.starts_with("http://")) return shown;
    return "<a rel=\"noopener noreferrer\" href=\"" + shown + "\">" + shown + "</a>";
}

std::string as_html(const error_page& page) {
    std::string html(html_start);
    html += "<title>" + status_line(page.status) + "</title>\n</head>\n<body>\n<main>\n";
    html += "<p class=\"status\">" + status_line(page.status) + "</p>\n";
    html += "<h1>" + escape_html(page.message) + "</h1>\n";
    if (!page.hint.empty()) html += "<p>" + escape_html(page.hint) + "</p>\n";
    if (!page.support.empty()) html += "<p>Contact: " + contact_html(page.support) + "</p>\n";
    html += "<footer>Error <code>" + escape_html(page.code_name) + "</code>";
    if (!page.request_id.empty()) html += ", request <code>" + escape_html(page.request_id) + "</code>";
    html += "</footer>\n</main>\n</body>\n</html>\n";
    return html;
}

}  // namespace

rendered render(const error_page& page, std::string_view accept) {
    using wire::page_form;
    switch (wire::preferred_form(accept)) {
        case page_form::html:
            return {"text/html; charset=utf-8", as_html(page)};
        case page_form::json:
            return {"application/json", as_json(page)};
        case page_form::plain:
            break;
    }
    return {"text/plain; charset=utf-8", as_text(page)};
}

}  // namespace instatunnel::edge
