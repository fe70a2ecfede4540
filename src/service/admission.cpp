#include "admission.hpp"

#include <utility>

#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/name_rules.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/names.hpp"
#include "tunnel_access.hpp"

namespace instatunnel::service {
namespace {

constexpr store::name_limits account_name_limits;
constexpr std::size_t max_instance_bytes = 128;
// One try in 51,200³ meets a name that is in use; several in a row mean that something else is wrong.
constexpr int random_name_tries = 8;

failure too_often(std::chrono::seconds wait, std::string_view what = message(errc::rate_limited)) {
    const auto text = std::to_string(wait.count());
    return {errc::rate_limited, std::string(what), "Wait " + text + " s, then try again"};
}

bool is_wrong_key(errc code) {
    return code == errc::malformed_key || code == errc::invalid_key || code == errc::revoked_key ||
           code == errc::expired_key;
}

}  // namespace

std::string name_space::url(std::string_view name) const {
    return "https://" + host(name) + (port_ == 443 ? std::string() : ":" + std::to_string(port_));
}

std::string name_space::url(const store::tunnel& t) const {
    if (t.proto == "tcp") return "tcp://" + domain_ + ":" + std::to_string(t.port);
    if (t.proto == "tls") return "tls://" + host(t.name) + ":" + std::to_string(port_);
    return url(t.name);
}

std::string name_space::label(std::string_view host_or_name) const {
    auto text = to_lower(host_or_name);
    if (text.ends_with('.')) text.pop_back();
    const auto suffix = "." + domain_;
    if (text.size() > suffix.size() && text.ends_with(suffix)) text.resize(text.size() - suffix.size());
    return text;
}

outcome<granted_tunnel> admission::admit(const tunnel_claim& claim) {
    if (claim.key.empty() && claim.existing_host.starts_with('#')) return admit_anonymous(claim);
    auto key = check_key(claim);
    if (!key) return key.error();
    auto opened = open(*key, claim);
    if (opened && claim.proto == "tcp") {
        const auto port = lease_port(*opened, claim);
        if (port)
            opened->port = *port;
        else
            opened = port.error();
    }
    if (!opened) {
        note_refusal(claim, *key, opened.error().code);
        return opened.error();
    }
    watch_.note(*key);
    return grant(*opened, key->id);
}

outcome<granted_tunnel> admission::grant(const store::tunnel& opened, const std::string& key_id) const {
    granted_tunnel granted;
    granted.tunnel_id = opened.id;
    granted.account_id = opened.account_id;
    granted.key_id = key_id;
    granted.name = opened.name;
    granted.host = names_.host(opened.name);
    granted.url = names_.url(opened);
    granted.port = opened.port;
    if (opened.access.empty()) return granted;
    auto access = unseal_access(pepper_, opened.name, opened.access);
    // Without its password it would be open to everybody.
    if (!access) return failure(errc::internal);
    granted.access = std::make_shared<const visitor_secrets>(std::move(*access));
    return granted;
}

outcome<store::api_key> admission::check_key(const tunnel_claim& claim) {
    const auto now = tuning_.steady();
    if (auto wait = limits_.check_wrong_keys(claim.remote_address, now)) {
        note_refusal(claim, {}, errc::rate_limited);
        return too_often(*wait, "Too many tries with keys that do not work, from this address");
    }
    auto key = keys_.check(claim.key.reveal());
    if (!key) {
        if (is_wrong_key(key.error().code)) limits_.note_wrong_key(claim.remote_address, now);
        note_refusal(claim, {}, key.error().code);
        return key.error();
    }
    const auto rate = plans_.calls_per_minute(key->account_id);
    if (!rate) return rate.error();
    const auto counted = limits_.take_call_with_key(*key, *rate, claim.remote_address, now);
    if (counted.wait) {
        note_refusal(claim, *key, errc::rate_limited);
        return too_often(*counted.wait);
    }
    addresses_.note(*key, claim.remote_address);
    if (!auth::grants(key->scopes, "tunnels:write")) {
        note_refusal(claim, *key, errc::forbidden);
        return failure(errc::forbidden, "The key does not hold the permission tunnels:write",
                       "Use another key, or make one with this permission");
    }
    if (require_verified_email_ && !key->owner_verified) {
        note_refusal(claim, *key, errc::email_not_verified);
        return failure(errc::email_not_verified);
    }
    return key;
}

void admission::note_refusal(const tunnel_claim& claim, const store::api_key& key, errc why) {
    audit_event event("tunnel.refused");
    event.about(claim.name.empty() ? claim.existing_host : claim.name).from(claim.remote_address);
    if (!key.id.empty()) event.by(actor_kind::key, key.id).of(key.account_id);
    audit_.note_seldom(event.refused(code_name(why)),
                       auth::address_group(claim.remote_address) + " " + key.id + " " + std::string(code_name(why)));
}

outcome<store::tunnel> admission::open(const store::api_key& key, const tunnel_claim& claim) {
    store::tunnel_request request;
    request.id = auth::make_id("tun");
    request.account_id = key.account_id;
    request.name = to_lower(claim.name);
    request.instance = claim.instance.substr(0, max_instance_bytes);
    // Shown in listings, so only what can be shown.
    request.target = auth::is_display_name(claim.target) ? claim.target : std::string();
    request.proto = claim.proto;
    request.now = tuning_.now();
    if (claim.proto == "tcp" && ports_.last == 0)
        return failure(errc::forbidden, "This edge has no public ports for tcp tunnels",
                       "Ask its owner to start it with --tcp-ports; tunnels of http and tls need none");
    if (claim.mcp)
        if (auto allowed = plans_.check_mcp(key.account_id); !allowed) return allowed.error();
    if (!claim.existing_host.empty()) return open_existing(std::move(request), claim.existing_host);
    if (request.name.empty()) return open_random(std::move(request));
    if (auto usable = auth::check_name(request.name); !usable) return usable.error();
    // A process that comes back asks for the name that was made up for it: it is still not one that it chose.
    if (!request.instance.empty()) {
        auto made_up = store_.find_random_name(request.account_id, request.instance);
        if (!made_up) return made_up.error();
        if (*made_up == request.name) request.kind = store::lease_kind::random;
    }
    if (auto allowed = check(request); !allowed) return allowed.error();
    return open_requested(request, key, claim.remote_address);
}

outcome<void> admission::check(const store::tunnel_request& request) {
    if (auto usable = guard_.check(request.name); !usable) return usable;
    if (auto allowed = plans_.check_tunnels(request.account_id, request.name); !allowed) return allowed;
    if (request.kind == store::lease_kind::random) return {};
    return plans_.check_name(request.account_id, request.name);
}

outcome<std::uint16_t> admission::lease_port(const store::tunnel& opened, const tunnel_claim& claim) {
    const bool chosen = !claim.name.empty() || !claim.existing_host.empty();
    auto made_up = claim.instance.empty() ? outcome<std::optional<std::string>>(std::nullopt)
                                          : store_.find_random_name(opened.account_id, claim.instance);
    if (!made_up) return made_up.error();
    store::port_request request;
    request.account_id = opened.account_id;
    request.name = opened.name;
    request.kind = chosen && *made_up != opened.name ? store::lease_kind::requested : store::lease_kind::random;
    request.target = opened.target;
    request.wanted = claim.port;
    request.first = ports_.first;
    request.last = ports_.last;
    request.now = tuning_.now();
    // Without an answer of the edge no port that the account holds is taken from a tunnel that may be using it.
    const auto live = edge_ != nullptr ? edge_->list() : outcome<std::vector<live_tunnel>>(std::vector<live_tunnel>());
    if (!live) return live.error();
    for (const auto& t : *live)
        if (t.port != 0 && t.tunnel_id != opened.id) request.busy.push_back(t.port);
    return store_.lease_port(request);
}

// The first time that an account opens a name is on record; that it comes back to it is not.
outcome<store::tunnel> admission::open_requested(const store::tunnel_request& request, const store::api_key& key,
                                                 const std::string& address) {
    outcome<store::tunnel> opened = failure(errc::internal);
    auto done = store_.atomically([&]() -> outcome<void> {
        opened = store_.open_tunnel(request, account_name_limits);
        if (!opened) return opened.error();
        if (opened->id != request.id) return {};
        audit_event event("name.claimed");
        event.by(actor_kind::key, key.id).of(key.account_id).about(request.name).from(address);
        return audit_.append(event.with("tunnel", opened->id));
    });
    if (!done && opened) return done.error();
    return opened;
}

outcome<store::tunnel> admission::open_known(const store::tunnel_request& request) {
    if (auto allowed = check(request); !allowed) return allowed.error();
    return store_.open_tunnel(request, account_name_limits);
}

outcome<store::tunnel> admission::open_existing(store::tunnel_request request, const std::string& host) {
    const auto number = tunnel_number(host);
    auto known =
        number ? store_.find_tunnel_by_number(*number) : store_.find_tunnel(request.account_id, names_.label(host));
    if (!known) return known.error();
    if (!*known || (*known)->account_id != request.account_id)
        return failure(errc::not_found, "There is no tunnel \"" + host.substr(0, 80) + "\" in this account");
    request.name = (*known)->name;
    // Its maker knows it by a number: that is no choice of the name.
    if (number) request.kind = store::lease_kind::random;
    return open_known(request);
}

outcome<store::tunnel> admission::open_random(store::tunnel_request request) {
    request.kind = store::lease_kind::random;
    if (!request.instance.empty()) {
        auto kept = store_.find_random_name(request.account_id, request.instance);
        if (!kept) return kept.error();
        if (*kept && guard_.check(**kept)) {
            request.name = **kept;
            return open_known(request);
        }
    }
    if (auto allowed = plans_.check_tunnels(request.account_id, {}); !allowed) return allowed.error();
    for (int i = 0; i < random_name_tries; ++i) {
        auto made_up = unblocked_random_name();
        if (!made_up) return made_up.error();
        request.name = std::move(*made_up);
        auto opened = store_.open_tunnel(request, account_name_limits);
        if (opened || opened.error().code != errc::name_taken) return opened;
    }
    return failure(errc::busy);
}

outcome<std::string> admission::unblocked_random_name() {
    for (int i = 0; i < random_name_tries; ++i) {
        auto name = auth::make_random_name();
        const auto usable = guard_.check(name);
        if (usable) return name;
        if (usable.error().code != errc::name_reserved) return usable.error();
    }
    return failure(errc::busy);
}

outcome<store::tunnel_request> admission::prepare(const std::string& account_id, const std::string& name,
                                                  const std::string& target) {
    store::tunnel_request request;
    request.id = auth::make_id("tun");
    request.account_id = account_id;
    request.name = to_lower(name);
    request.target = target;
    request.now = tuning_.now();
    if (name.empty()) {
        auto made_up = unblocked_random_name();
        if (!made_up) return made_up.error();
        request.name = std::move(*made_up);
    }
    if (auto usable = auth::check_name(request.name); !usable) return usable.error();
    if (auto allowed = check(request); !allowed) return allowed.error();
    return request;
}

outcome<store::tunnel> admission::create(const store::tunnel_request& request) {
    return store_.create_tunnel(request, account_name_limits);
}

}  // namespace instatunnel::service
