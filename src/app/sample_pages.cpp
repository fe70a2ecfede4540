#include "sample_pages.hpp"

#include <nlohmann/json.hpp>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::app {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view json_type = "application/json";

constexpr std::string_view page_before_url = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your tunnel works</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1c2430; --quiet: #5b6675; --line: #dfe3e8; --accent: #0a7d4b; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #11151b; --card: #1a2029; --ink: #e8ecf1; --quiet: #9aa5b4; --line: #2b3440; --accent: #4fd59b; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 16px/1.6 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(40rem, 100%); margin: 1rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; }
h2 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.url { font-size: 1.1rem; font-weight: 600; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.dot { display: inline-block; width: .6em; height: .6em; margin-right: .4em; border-radius: 50%; background: var(--quiet); }
.live .dot { background: var(--accent); }
</style>
</head>
<body>
<main>
<h1>Your tunnel works</h1>
<p>This page comes from a small web app on the machine where <code>instatunnel demo</code> runs, and reached you at</p>
<p class="url">)";

constexpr std::string_view page_after_url = R"(</p>
<h2>What happened</h2>
<p>Your browser spoke TLS with the edge. The edge passed the request through the tunnel to the client, the client handed it
to the app, and the answer came back the same way, unchanged.</p>
<h2>Try it</h2>
<p><a href="/headers"><code>/headers</code></a> shows the request as the app saw it, with what the edge added.<br>
<code>curl -d hello )";

constexpr std::string_view page_end = R"(/echo</code> gives back method, headers and a hash of the body.<br>
<a href="/events"><code>/events</code></a> sends one event a second:</p>
<p id="stream" class="quiet" aria-live="off"><span class="dot"></span><span id="tick">waiting for the first event</span></p>
<h2>Next</h2>
<p>Forward your own app: <code>instatunnel 3000 --subdomain demo</code></p>
</main>
<script>
const stream = document.getElementById("stream"), tick = document.getElementById("tick");
const events = new EventSource("/events");
events.addEventListener("tick", e => { const t = JSON.parse(e.data); stream.className = "live"; tick.textContent = `event ${t.number} at ${t.time}`; });
events.onerror = () => { stream.className = "quiet"; tick.textContent = "the stream is interrupted; the browser tries again"; };
</script>
</body>
</html>
)";

std::string_view path_only(std::string_view path) {
    return path.substr(0, path.find('?'));
}

std::string public_url(const sample_request& request) {
    bool is_https = false;
    for (const auto& [name, value] : request.fields)
        if (iequals(name, "X-Forwarded-Proto")) is_https = value == "https";
    return (is_https ? "https://" : "http://") + request.host;
}

std::string home_page(const sample_request& request) {
    const auto url = escape_html(public_url(request));
    std::string page;
    page.append(page_before_url).append(url).append(page_after_url).append(url).append(page_end);
    return page;
}

ordered_json describe(const sample_request& request) {
    ordered_json fields = ordered_json::array();
    for (const auto& [name, value] : request.fields)
        fields.push_back({{"name", name}, {"value", value}});
    return {{"method", request.method}, {"path", request.path}, {"headers", std::move(fields)}};
}

std::string to_text(const ordered_json& value) {
    // Field values may hold bytes that are not UTF-8.
    return value.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

bool asks_for_events(const sample_request& request) {
    return request.method == "GET" && path_only(request.path) == "/events";
}

std::string tick_event(std::uint64_t number) {
    return "id: " + std::to_string(number) + "\nevent: tick\ndata: {\"number\":" + std::to_string(number) +
           ",\"time\":\"" + to_rfc3339(wall_now()) + "\"}\n\n";
}

sample_page render(const sample_request& request) {
    const auto path = path_only(request.path);
    const bool is_read = request.method == "GET" || request.method == "HEAD";
    if (path == "/echo") {
        auto echo = describe(request);
        echo["body"] = {{"bytes", request.body_bytes}, {"sha256", request.body_sha256}};
        return {200, json_type, to_text(echo)};
    }
    const bool is_known = path == "/" || path == "/headers" || path == "/events";
    if (!is_known) return {404, text_type, "There is no such page here. Try / or /headers or /echo or /events\n"};
    if (!is_read) return {405, text_type, "Only GET and HEAD work here; /echo takes everything\n"};
    if (path == "/headers") return {200, json_type, to_text(describe(request))};
    if (path == "/events") return {200, "text/event-stream", {}};
    return {200, "text/html; charset=utf-8", home_page(request)};
}

}  // namespace instatunnel::app
