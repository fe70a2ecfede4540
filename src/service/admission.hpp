#pragma once

#include <string>
#include <string_view>

#include "audit_log.hpp"
#include "call_limits.hpp"
#include "instatunnel/service/service.hpp"
#include "key_addresses.hpp"
#include "key_watch.hpp"
#include "keyring.hpp"
#include "name_guard.hpp"
#include "plan_gate.hpp"

namespace instatunnel::service {

/// Which host and URL a name has on this edge.
class name_space {
public:
    name_space(std::string domain, std::uint16_t public_port) : domain_(std::move(domain)), port_(public_port) {}

    std::string host(std::string_view name) const { return std::string(name) + "." + domain_; }
    std::string url(std::string_view name) const;
    /// Where visitors of a tunnel connect to: "https://…", "tls://HOST:PORT", "tcp://DOMAIN:PORT".
    std::string url(const store::tunnel& t) const;
    /// The label of one of our hosts in any letter case, with or without a dot at the end; other text as it is, in
    /// lower case.
    std::string label(std::string_view host_or_name) const;

private:
    std::string domain_;
    std::uint16_t port_;
};

/// Decides which tunnel client gets which name. On the service's thread.
class admission {
public:
    /// All arguments outlive the object.
    admission(store::store& target, keyring& keys, key_addresses& addresses, key_watch& watch, call_limits& limits,
              plan_gate& plans, name_guard& guard, audit_log& audit, const name_space& names, port_range ports,
              live_tunnels* const& edge, const tuning& t, const secret& pepper)
        : store_(target),
          keys_(keys),
          addresses_(addresses),
          watch_(watch),
          limits_(limits),
          plans_(plans),
          guard_(guard),
          audit_(audit),
          names_(names),
          ports_(ports),
          edge_(edge),
          tuning_(t),
          pepper_(pepper) {}

    /// From now on only accounts with a verified email open tunnels.
    void require_verified_email() noexcept { require_verified_email_ = true; }

    /// Errors: see service::admit.
    outcome<granted_tunnel> admit(const tunnel_claim& claim);
    /// What a tunnel for later is made of; empty `name`: one is made up. The name stays with the account either way.
    /// Asks name and plan; nothing is stored.
    /// Errors: malformed_name, name_reserved, plan_limit, busy, store_failed.
    outcome<store::tunnel_request> prepare(const std::string& account_id, const std::string& name,
                                           const std::string& target);
    /// Errors: name_taken, already_exists, forbidden (limits), store_failed.
    outcome<store::tunnel> create(const store::tunnel_request& prepared);
    /// A tunnel of nobody, for a while. Errors: no_key (the edge's owner does not want them), forbidden (a chosen name,
    /// or a limit), busy, store_failed.
    outcome<store::tunnel> create_anonymous(const std::string& target, const std::string& address,
                                            const secret& password, const secret& basic);
    /// Puts the end of connected ones off and removes those whose end has come.
    void look_after_anonymous();
    bool allows_anonymous() const noexcept { return allows_anonymous_; }
    void allow_anonymous() noexcept { allows_anonymous_ = true; }

    static constexpr std::chrono::hours anonymous_life{2};
    static constexpr std::uint64_t anonymous_per_address = 3;
    static constexpr std::uint64_t anonymous_in_total = 1000;

private:
    outcome<store::api_key> check_key(const tunnel_claim& claim);
    void note_refusal(const tunnel_claim& claim, const store::api_key& key, errc why);
    outcome<granted_tunnel> admit_anonymous(const tunnel_claim& claim);
    outcome<granted_tunnel> grant(const store::tunnel& opened, const std::string& key_id) const;
    outcome<store::tunnel> open(const store::api_key& key, const tunnel_claim& claim);
    outcome<std::uint16_t> lease_port(const store::tunnel& opened, const tunnel_claim& claim);
    outcome<store::tunnel> open_requested(const store::tunnel_request& request, const store::api_key& key,
                                          const std::string& address);
    outcome<store::tunnel> open_existing(store::tunnel_request request, const std::string& host);
    outcome<store::tunnel> open_random(store::tunnel_request request);
    /// A name that the account holds.
    outcome<store::tunnel> open_known(const store::tunnel_request& request);
    /// Whether name and plan allow it; nothing is changed.
    outcome<void> check(const store::tunnel_request& request);
    outcome<std::string> unblocked_random_name();

    store::store& store_;
    keyring& keys_;
    key_addresses& addresses_;
    key_watch& watch_;
    call_limits& limits_;
    plan_gate& plans_;
    name_guard& guard_;
    audit_log& audit_;
    const name_space& names_;
    port_range ports_;
    live_tunnels* const& edge_;
    const tuning& tuning_;
    const secret& pepper_;
    bool require_verified_email_ = false;
    bool allows_anonymous_ = false;
};

}  // namespace instatunnel::service
