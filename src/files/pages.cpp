#include "pages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::files {
namespace {

using nlohmann::ordered_json;
using wire::page_form;

constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain; charset=utf-8";

constexpr std::string_view style =
    ":root{color-scheme:light dark;--ground:#fff;--ink:#1c2430;--quiet:#586272;--line:#dfe3e8;--link:#0b57d0}"
    "@media(prefers-color-scheme:dark){:root{--ground:#11151b;--ink:#e8ecf1;--quiet:#9aa5b4;--line:#2b3440;--link:#"
    "8ab4ff}}"
    "body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:60rem;margin:0 auto;padding:2rem 1rem}h1{font-size:1.3rem;overflow-wrap:anywhere}"
    "table{width:100%;border-collapse:collapse}th,td{padding:.35rem .5rem;border-bottom:1px solid "
    "var(--line);text-align:"
    "left;vertical-align:top}th{color:var(--quiet);font-weight:600}td:first-child{overflow-wrap:anywhere}"
    "td+td,th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td+td{color:var(--quiet)}"
    "a{color:var(--link)}a:focus-visible{outline:2px solid;outline-offset:2px}.quiet{color:var(--quiet)}"
    "@media(max-width:30rem){td:nth-child(3),th:nth-child(3){display:none}}";

std::string html_page(const std::string& title, const std::string& heading, const std::string& content) {
    std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + title + "</title>\n";
    html.append("<link rel=\"icon\" href=\"data:,\">\n<style>")
        .append(style)
        .append("</style>\n</head>\n<body>\n<main>\n");
    html.append("<h1>").append(heading).append("</h1>\n").append(content);
    return html + "</main>\n</body>\n</html>\n";
}

std::string to_text(const ordered_json& value) {
    return value.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

// Names are bytes; a page is UTF-8. What cannot be shown is replaced, control characters included.
std::string shown(std::string_view name) {
    std::string text;
    const bool is_ascii = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (is_ascii) {
        text = name;
    } else {
        const ordered_json repaired(name);
        text = ordered_json::parse(repaired.dump(-1, ' ', false, ordered_json::error_handler_t::replace))
                   .get<std::string>();
    }
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return text;
}

std::string link_to(const listed_entry& entry) {
    std::string link = "./" + percent_encode(entry.name);  // without the dot a name with a colon would be a scheme
    if (entry.is_directory) link += '/';
    return link;
}

std::string shown_path(const listed_directory& dir) {
    return dir.path.empty() ? "/" : "/" + shown(dir.path) + "/";
}

void append_row(std::string& html, const listed_entry& entry) {
    const auto time = to_rfc3339(entry.modified);
    html += "<tr><td><a href=\"" + link_to(entry) + "\"><bdi>" + escape_html(shown(entry.name)) + "</bdi>";
    html += entry.is_directory ? "/</a></td><td>" : "</a></td><td>";
    html += entry.is_directory ? "–" : to_human_bytes(entry.size);
    html += "</td><td><time datetime=\"" + time + "\">" + time.substr(0, 10) + " " + time.substr(11, 5);
    html += "</time></td></tr>\n";
}

std::string listing_html(const listed_directory& dir) {
    std::string content =
        "<table>\n<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Size</th><th scope=\"col\">Modified "
        "(UTC)</th></tr></thead>\n<tbody>\n";
    if (!dir.path.empty()) content += "<tr><td><a href=\"../\">Parent directory</a></td><td></td><td></td></tr>\n";
    for (const auto& entry : dir.entries)
        append_row(content, entry);
    content += "</tbody>\n</table>\n";
    if (dir.entries.empty()) content += "<p class=\"quiet\">There is nothing here.</p>\n";
    if (dir.is_cut)
        content += "<p class=\"quiet\">Only " + std::to_string(dir.entries.size()) + " entries are listed.</p>\n";
    const auto path = escape_html(shown_path(dir));
    return html_page("Index of " + path, "Index of <bdi>" + path + "</bdi>", content);
}

std::string listing_json(const listed_directory& dir) {
    ordered_json entries = ordered_json::array();
    for (const auto& entry : dir.entries) {
        ordered_json row{{"name", entry.name}, {"type", entry.is_directory ? "directory" : "file"}};
        if (!entry.is_directory) row["size"] = entry.size;
        row["modified"] = to_rfc3339(entry.modified);
        row["href"] = link_to(entry);
        entries.push_back(std::move(row));
    }
    const auto path = dir.path.empty() ? std::string("/") : "/" + dir.path + "/";
    return to_text({{"path", path}, {"entries", std::move(entries)}, {"truncated", dir.is_cut}});
}

}  // namespace

void sort_entries(std::vector<listed_entry>& entries) {
    const auto folded_less = [](char a, char b) {
        const auto fold = [](char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); };
        return fold(a) < fold(b);
    };
    std::ranges::sort(entries, [&](const listed_entry& a, const listed_entry& b) {
        if (a.is_directory != b.is_directory) return a.is_directory;
        if (std::ranges::lexicographical_compare(a.name, b.name, folded_less)) return true;
        if (std::ranges::lexicographical_compare(b.name, a.name, folded_less)) return false;
        return a.name < b.name;
    });
}

page render_listing(const listed_directory& dir, page_form form) {
    if (form == page_form::json) return {json_type, listing_json(dir)};
    return {html_type, listing_html(dir)};
}

page render_problem(int status, std::string_view message, page_form form) {
    const auto title = std::to_string(status) + " " + std::string(wire::reason_phrase(status));
    switch (form) {
        case page_form::html:
            return {html_type, html_page(title, title, "<p>" + escape_html(message) + ".</p>\n")};
        case page_form::json:
            return {json_type, to_text({{"error", wire::reason_phrase(status)},
                                        {"message", message},
                                        {"code", status / 100 * 1000 + status % 100}})};
        case page_form::plain:
            break;
    }
    return {text_type, std::string(message) + ".\n"};
}

const std::string& page_policy() {
    static const std::string policy = "default-src 'none'; img-src data:; style-src 'sha256-" +
                                      to_base64(sha256(style)) +
                                      "'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
    return policy;
}

}  // namespace instatunnel::files
