#include "demo.hpp"

#include <stdlib.h>  // mkdtemp is POSIX

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "instatunnel/app/sample_site.hpp"
#include "instatunnel/app/serve.hpp"
#include "instatunnel/app/signals.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/wire/http1.hpp"
#include "json_line.hpp"
#include "stop_relay.hpp"
#include "target_word.hpp"
#include "tunnel_printer.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::string_view demo_name = "demo";
constexpr auto check_limit = std::chrono::seconds(10);
constexpr auto demo_drain = std::chrono::seconds(2);

/// Holds everything the demo writes; gone when the demo is.
class temporary_folder {
public:
    static outcome<temporary_folder> make() {
        std::string name = (std::filesystem::temp_directory_path() / "instatunnel-demo.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            return failure(errc::file_io, "Cannot create a temporary folder: " + std::string(std::strerror(errno)),
                           "Name a writable one: TMPDIR=PATH instatunnel demo");
        return temporary_folder(std::move(name));
    }
    temporary_folder(temporary_folder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    temporary_folder& operator=(temporary_folder&&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    explicit temporary_folder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

/// Prints like every tunnel and tells the demo's main thread when there is a URL, or that there will be none.
class demo_events final : public tunnel_printer {
public:
    using tunnel_printer::tunnel_printer;

    void on_ready(const client::ready_info& info) override {
        tunnel_printer::on_ready(info);
        settle(info.url);
    }
    void settle(std::string url) {
        const std::lock_guard hold(mutex_);
        if (!settled_) url_ = std::move(url);
        settled_ = true;
        changed_.notify_all();
    }
    /// The URL; empty when the tunnel ended before it had one.
    std::string wait_for_url() {
        std::unique_lock hold(mutex_);
        changed_.wait(hold, [&] { return settled_; });
        return url_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool settled_ = false;
    std::string url_;
};

outcome<client::target> demo_upstream(const demo_options& options, std::unique_ptr<app::sample_site>& site) {
    if (!options.target.empty()) return read_target(options.target, options.directory);
    if (options.directory.any())
        return failure(errc::usage, "--spa, --no-listing and --dot-files are for a directory",
                       "Name one: instatunnel demo ./dist --spa");
    auto started = app::sample_site::start();
    if (!started) return started.error();
    site = std::move(*started);
    return client::parse_target(std::to_string(site->port()));
}

outcome<std::unique_ptr<app::edge_process>> start_edge(const demo_options& options, const std::filesystem::path& folder,
                                                       context& c) {
    app::serve_options s;
    s.dev = true;
    s.sign_up = service::sign_up_policy::open;
    s.listen = options.listen;
    s.data = folder / "edge";
    s.home = folder;
    s.drain = demo_drain;
    s.next_free_port = true;
    s.write_dev_profile = false;
    auto edge = app::edge_process::start(std::move(s));
    if (edge && (*edge)->ready().port_moved)
        c.term.notice("The address " + options.listen + " is busy: using https://" + std::string(demo_name) + "." +
                      (*edge)->ready().url.substr(std::string_view("https://").size()));
    return edge;
}

client::tunnel_options tunnel_to(const app::serve_ready& ready, const client::target& upstream,
                                 const demo_options& options) {
    client::tunnel_options o;
    o.upstream = upstream;
    o.directory_rules = options.directory.rules();
    o.server = ready.api;
    o.cacert = ready.cacert;
    o.key = secret(ready.api_key);
    o.name = demo_name;
    return o;
}

// The edge marks the answers that it had to make up because the local program gave none.
bool is_made_up(const api::http_reply& reply) {
    return !reply.field("X-Instatunnel-Error").empty();
}

/// Fetches the page the way a visitor would: DNS rule for localhost, TLS, edge, tunnel, local app and back.
outcome<void> check_path(const std::string& url, const std::string& cacert, const client::target& upstream,
                         context& c) {
    auto http = c.make_http(cacert);
    if (!http) return http.error();
    const std::string page = url + "/";
    const auto before = c.now();
    const auto reply = (*http)->send("GET", page, {{"Accept", "text/html"}}, {}, check_limit);
    if (!reply) return reply.error();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(c.now() - before);
    if (c.term.json())
        c.term.result(
            json_line("demo.checked").with("url", page).with("status", reply->status).with("ms", took.count()).text());
    const std::string status = std::to_string(reply->status) + " " + std::string(wire::reason_phrase(reply->status));
    if (is_made_up(*reply))
        return failure(errc::target_unreachable,
                       "The check got " + status + ": nothing answers at " + upstream.display);
    if (!c.term.json()) c.term.result("✅ Checked: GET " + page + " -> " + status + " in " + to_human(took));
    return {};
}

/// The running parts of a demo, in the order in which they start; the end goes backwards.
struct demo_parts {
    std::unique_ptr<app::sample_site> site;
    std::unique_ptr<app::edge_process> edge;
};

outcome<exit_code> run_parts(const demo_options& options, const client::target& upstream, demo_parts& parts,
                             stop_relay& relay, context& c) {
    const auto& ready = parts.edge->ready();
    demo_events events(c.term, c.now, /*quiet=*/false, [&] { relay.signal(); });
    auto forwarding = tunnel_to(ready, upstream, options);
    events.starting(forwarding);
    client::tunnel tunnel(std::move(forwarding), events);
    std::optional<outcome<client::summary>> ended;
    std::thread runner([&] {
        ended.emplace(tunnel.run());
        events.settle({});
    });
    relay.attach([&] { tunnel.stop(); });
    outcome<void> checked;
    if (const auto url = events.wait_for_url(); !url.empty()) checked = check_path(url, ready.cacert, upstream, c);
    // Without --once the demo goes on: the local program may come up later.
    if (options.once)
        tunnel.stop();
    else if (!checked)
        c.term.report(checked.error());
    runner.join();
    relay.detach();

    if (*ended || events.was_ready()) events.closed(*ended ? **ended : events.counted());
    if (!*ended) return ended->error();
    if (options.once && !checked) return checked.error();
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_demo(const demo_options& options, context& c) {
    auto folder = temporary_folder::make();
    if (!folder) return folder.error();
    stop_relay relay;
    const app::signal_watcher watcher([&](int) { relay.signal(); });
    demo_parts parts;
    const auto upstream = demo_upstream(options, parts.site);
    if (!upstream) return upstream.error();
    auto edge = start_edge(options, folder->path(), c);
    if (!edge) return edge.error();
    parts.edge = std::move(*edge);
    auto result = run_parts(options, *upstream, parts, relay, c);
    // The tunnel has ended: nothing is left that a drain would wait for.
    parts.edge->stop();
    parts.edge->stop();
    parts.edge->wait();
    return result;
}

}  // namespace instatunnel::cli
