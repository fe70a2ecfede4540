#include "callback_page.hpp"

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::string_view page_style =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1c2128}"
    "main{max-width:26rem;margin:15vh auto;padding:2rem;background:#fff;border:1px solid #d9dde3;border-radius:8px;"
    "overflow-wrap:anywhere}h1{font-size:1.25rem;margin:0 0 1rem}p{margin:0}"
    "@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ed}"
    "main{background:#1c2128;border-color:#363d47}}";

std::string html_of(const callback_page& page) {
    std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    html += "<meta name=\"robots\" content=\"noindex\"><title>";
    html.append(escape_html(page.title)).append(" · InstaTunnel</title><style>").append(page_style);
    html.append("</style></head><body><main><h1>").append(escape_html(page.title)).append("</h1>\n<p>");
    return html.append(escape_html(page.text)).append("</p>\n</main></body></html>\n");
}

}  // namespace

std::string to_response(const callback_page& page) {
    const auto html = html_of(page);
    std::string response = "HTTP/1.1 " + std::to_string(page.status) + " ";
    response.append(wire::reason_phrase(page.status));
    response += "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " + std::to_string(html.size());
    response += "\r\nCache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-";
    response += to_base64(sha256(page_style)) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response += "\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    return response + html;
}

}  // namespace instatunnel::cli
