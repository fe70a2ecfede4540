// Leases of public ports, for tcp tunnels.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "instatunnel/base/random.hpp"
#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

// Somebody else may have a port only after it was out of use for this long, and only when no other is left.
constexpr std::chrono::hours abandoned_after{30 * 24};

struct port_lease {
    std::uint16_t port = 0;
    std::string account_id;
    std::string name;
    bool is_random = false;
    std::string target;
    wall_time last_used_at{};
};

port_lease read_lease(const query& row) {
    port_lease lease;
    lease.port = static_cast<std::uint16_t>(row.count(0));
    lease.account_id = row.text(1);
    lease.name = row.text(2);
    lease.is_random = row.text(3) == "random";
    lease.target = row.text(4);
    lease.last_used_at = row.time(5);
    return lease;
}

outcome<std::vector<port_lease>> read_leases(database& db, const port_request& request) {
    query all(db,
              "SELECT port, account_id, name, kind, target, last_used_at FROM tcp_ports WHERE port BETWEEN ? AND ? "
              "ORDER BY last_used_at DESC, port");
    all.bind(std::uint64_t{request.first}).bind(std::uint64_t{request.last});
    std::vector<port_lease> leases;
    while (all.next())
        leases.push_back(read_lease(all));
    if (all.failed()) return all.error();
    return leases;
}

bool contains(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
    return std::ranges::find(ports, port) != ports.end();
}

std::string text_of(const port_request& r) {
    return std::to_string(r.first) + " to " + std::to_string(r.last);
}

outcome<std::uint16_t> choose_wanted(const port_request& r, const std::vector<port_lease>& leases) {
    const auto shown = std::to_string(r.wanted);
    if (r.wanted < r.first || r.wanted > r.last)
        return failure(errc::forbidden, "Port " + shown + " is none of this edge's public ports",
                       "They are " + text_of(r) + "; without --remote-port the edge chooses one");
    const auto lease = std::ranges::find(leases, r.wanted, &port_lease::port);
    if (lease != leases.end() && lease->account_id != r.account_id)
        return failure(errc::name_taken, "Port " + shown + " belongs to another account",
                       "Choose another one, or leave --remote-port out");
    if (lease != leases.end() && lease->name != r.name && contains(r.busy, r.wanted))
        return failure(errc::name_taken, "Port " + shown + " is in use by the tunnel \"" + lease->name + "\"",
                       "Choose another one, or leave --remote-port out");
    return r.wanted;
}

// A port that the account holds already and may use for this tunnel; 0: none.
std::uint16_t choose_kept(const port_request& r, const std::vector<port_lease>& leases) {
    for (const auto& l : leases)
        if (l.account_id == r.account_id && l.name == r.name) return l.port;
    if (r.kind != lease_kind::random) return 0;
    // A made-up name says nothing: whoever starts the same tunnel again means the same port.
    for (const auto& l : leases)
        if (l.account_id == r.account_id && l.is_random && l.target == r.target && !contains(r.busy, l.port))
            return l.port;
    return 0;
}

outcome<std::uint16_t> choose_new(const port_request& r, const std::vector<port_lease>& leases) {
    const auto held = std::ranges::count(leases, r.account_id, &port_lease::account_id);
    if (static_cast<std::uint64_t>(held) >= r.most) {
        const auto oldest = std::find_if(leases.rbegin(), leases.rend(), [&](const port_lease& l) {
            return l.account_id == r.account_id && l.is_random && !contains(r.busy, l.port);
        });
        if (oldest != leases.rend()) return oldest->port;
        return failure(errc::forbidden, "The account holds " + std::to_string(r.most) + " public ports already",
                       "Use one of them: instatunnel tcp TARGET --subdomain NAME, with the name it was opened by");
    }
    std::set<std::uint16_t> taken;
    for (const auto& l : leases)
        taken.insert(l.port);
    const std::size_t count = static_cast<std::size_t>(r.last - r.first) + 1;
    if (taken.size() < count) {
        // The n-th free one: which ports are in use is nothing that a newcomer should be able to tell.
        auto n = random_u64() % (count - taken.size());
        for (unsigned port = r.first; port <= r.last; ++port)
            if (!taken.contains(static_cast<std::uint16_t>(port)) && n-- == 0) return static_cast<std::uint16_t>(port);
    }
    if (!leases.empty() && r.now - leases.back().last_used_at > abandoned_after &&
        !contains(r.busy, leases.back().port))
        return leases.back().port;
    return failure(errc::busy, "All public ports of this edge are taken",
                   "Give one of yours back, if you have any: instatunnel names release NAME; or ask the edge's owner "
                   "for more: --tcp-ports");
}

}  // namespace

outcome<std::uint16_t> sqlite_store::lease_port(const port_request& request) {
    return db_->in_transaction([&]() -> outcome<std::uint16_t> {
        const auto leases = read_leases(*db_, request);
        if (!leases) return leases.error();
        outcome<std::uint16_t> port = request.wanted != 0 ? choose_wanted(request, *leases)
                                                          : outcome<std::uint16_t>(choose_kept(request, *leases));
        if (port && *port == 0) port = choose_new(request, *leases);
        if (!port) return port;
        query put(*db_,
                  "INSERT INTO tcp_ports(port, account_id, name, kind, target, created_at, last_used_at) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (port) DO UPDATE SET account_id = ?2, name = ?3, "
                  "kind = ?4, target = ?5, last_used_at = ?6");
        put.bind(std::uint64_t{*port}).bind(request.account_id).bind(request.name);
        put.bind(request.kind == lease_kind::random ? "random" : "requested").bind(request.target).bind(request.now);
        if (auto done = put.run(); !done) return done.error();
        // Whichever tunnel had it before has it no more.
        query show(*db_,
                   "UPDATE tunnels SET port = CASE WHEN name = ?2 THEN ?1 ELSE 0 END "
                   "WHERE (port = ?1 OR name = ?2) AND removed_at IS NULL");
        if (auto done = show.bind(std::uint64_t{*port}).bind(request.name).run(); !done) return done.error();
        return port;
    });
}

}  // namespace instatunnel::store
