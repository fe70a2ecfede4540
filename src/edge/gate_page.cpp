#include "gate_page.hpp"

#include "instatunnel/base/encoding.hpp"

namespace instatunnel::edge {
namespace {

constexpr std::string_view style =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1c2128}"
    "main{max-width:26rem;margin:10vh auto;padding:2rem;background:#fff;border:1px solid #d9dde3;border-radius:8px}"
    "h1{font-size:1.25rem;margin:0 0 1rem;overflow-wrap:anywhere}label{display:block;margin:1rem 0 .25rem}"
    "input[type=password]{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #8a94a3;"
    "border-radius:6px;background:inherit;color:inherit}"
    "button{margin-top:1.25rem;padding:.6rem 1.2rem;font:inherit;border:0;border-radius:6px;background:#1f5fd0;"
    "color:#fff;cursor:pointer}small{display:block;margin-top:1rem;color:#59636e}"
    ".problem{padding:.6rem .8rem;border-left:4px solid #c62828;background:#fdecea;color:#5f1513}"
    "@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ed}"
    "main{background:#1c2128;border-color:#363d47}small{color:#a3adb8}.problem{background:#3b1d1c;color:#f6c9c5}}";

}  // namespace

std::string gate_page(std::string_view host, std::string_view action, std::string_view to, std::string_view problem) {
    const auto name = escape_html(host);
    std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    html += "<meta name=\"robots\" content=\"noindex\"><title>Password for " + name + "</title><style>";
    html.append(style).append("</style></head><body><main><h1>").append(name).append(" asks for a password</h1>\n");
    if (!problem.empty()) html += "<p class=\"problem\" role=\"alert\">" + escape_html(problem) + ".</p>";
    html.append("<form method=\"post\" action=\"").append(action).append("\">");
    html += "<input type=\"hidden\" name=\"to\" value=\"" + escape_html(to) + "\">";
    html +=
        "<label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" "
        "autocomplete=\"current-password\" maxlength=\"256\" required autofocus>"
        "<button>Go on</button>"
        "<small>Whoever sent you this address knows it. It is good for 24 hours in this browser.</small></form>";
    return html + "\n</main></body></html>\n";
}

const std::vector<std::pair<std::string, std::string>>& gate_page_fields() {
    static const std::vector<std::pair<std::string, std::string>> fields{
        {"Content-Type", "text/html; charset=utf-8"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'sha256-" + to_base64(sha256(style)) +
                                        "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
        {"X-Frame-Options", "DENY"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "same-origin"},
    };
    return fields;
}

}  // namespace instatunnel::edge
