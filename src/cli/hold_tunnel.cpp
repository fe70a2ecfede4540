#include "hold_tunnel.hpp"

#include <optional>

#include "explain_failure.hpp"
#include "instatunnel/app/descriptor_limit.hpp"
#include "instatunnel/app/signals.hpp"
#include "mcp_announcer.hpp"
#include "stop_relay.hpp"
#include "tunnel_printer.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t longest_base = 61;  // of a label of 63, with "-2" behind it

failure with_another_name(failure f, const std::string& name) {
    if (f.code == errc::name_taken && !name.empty() && name.size() <= longest_base)
        f.next = "Choose another name, like --subdomain " + name + "-2";
    return f;
}

}  // namespace

outcome<exit_code> hold_tunnel(client::tunnel_options options, const credentials& in_use, bool quiet, context& c,
                               std::function<void(const std::string& url)> when_ready) {
    options.server = in_use.server;
    options.cacert = in_use.cacert;
    options.key = in_use.key.clone();
    app::raise_descriptor_limit();
    stop_relay relay;
    // Before the tunnel, whose threads must inherit the blocked signals.
    const app::signal_watcher watcher([&](int) {
        relay.signal();
        if (relay.heard() == 1 && c.term.talks_to_person())
            c.term.notice("Stopping when the requests in flight are done; Ctrl+C again stops at once");
    });
    tunnel_printer printer(c.term, c.now, quiet, [&] { relay.signal(); });
    printer.starting(options);
    std::optional<mcp_announcer> announcer;
    if (options.mcp) announcer.emplace(c.term, options);
    printer.when_ready([&](const client::ready_info& info) {
        if (when_ready) when_ready(info.url);
        if (announcer) announcer->start(info.url, info.name);
    });
    const auto name = options.name;
    client::tunnel tunnel(std::move(options), printer);
    relay.attach([&] { tunnel.stop(); });
    const auto ended = tunnel.run();
    relay.detach();

    if (ended || printer.was_ready()) printer.closed(ended ? *ended : printer.counted());
    if (!ended) return explain_failure(with_another_name(ended.error(), name), in_use);
    return exit_code::done;
}

}  // namespace instatunnel::cli
