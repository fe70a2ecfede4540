#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"

/// What an edge remembers. Ids are opaque text made by the caller; times are UTC microseconds.
namespace instatunnel::store {

struct user {
    std::string id;          ///< "user_…"
    std::string account_id;  ///< "acc_…"; one account a user for now
    std::string email;       ///< normalised
    std::string name;
    std::string plan;           ///< of the account: "free", "pro", "business"
    std::string password_hash;  ///< argon2id string; empty: no password can sign in
    wall_time created_at{};
    bool disabled = false;                 ///< by the owner of the edge: neither passwords nor keys work
    std::optional<wall_time> verified_at;  ///< since when the address is known to be theirs
    std::uint64_t credit = 0;              ///< of the account; whole units that mean what the edge's owner says
};

struct api_key {
    std::string id;  ///< "key_…"
    std::string account_id;
    std::string user_id;
    std::string name;
    std::string digest;  ///< HMAC-SHA-256 of the key, 32 bytes; the key itself is nowhere
    std::string tail;    ///< last three characters, for the masked form
    std::vector<std::string> scopes;
    wall_time created_at{};
    std::optional<wall_time> expires_at;
    std::optional<wall_time> last_used_at;
    std::optional<wall_time> revoked_at;
    std::optional<std::string> replaced_by;  ///< id of the key that a rotation made in its place
    bool by_sign_in = false;                 ///< register or login made it, nobody asked for it by name
    bool owner_disabled = false;             ///< this and the next one: of the user, as found with the key
    bool owner_verified = false;
};

/// Which keys of an account end together.
enum class key_group : std::uint8_t { none, by_sign_in, all };

struct key_use {
    std::string key_id;
    wall_time at{};
};

/// A network that a key was used from.
struct key_address {
    std::string key_id;
    std::string address;  ///< IPv4 address or IPv6 network
    wall_time at{};
};

/// How an account came to a name: chosen ones stay with it, made-up ones are free again some time after their last use.
enum class lease_kind : std::uint8_t { requested, random };

struct tunnel {
    std::string id;  ///< "tun_…"
    std::string account_id;
    std::string name;            ///< subdomain label
    std::string target;          ///< as last reported
    std::string proto = "http";  ///< or "tcp", "tls", as last opened
    std::uint16_t port = 0;      ///< tcp: the public one
    wall_time created_at{};
    std::optional<wall_time> connected_at;  ///< last time a client opened it
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t number = 0;             ///< what published clients call it by; not to be guessed
    std::string access;                   ///< sealed: what visitors are asked for; empty: nothing
    std::optional<wall_time> expires_at;  ///< of a tunnel without an account
};

/// Owns the tunnels of those who have no account; nobody can sign in to it.
inline constexpr const char* anonymous_account = "acc_anonymous";

/// How many tunnels without an account there are.
struct anonymous_count {
    std::uint64_t from_address = 0;
    std::uint64_t in_total = 0;
};

struct tunnel_request {
    std::string id;  ///< used if the tunnel does not exist yet
    std::string account_id;
    std::string name;
    lease_kind kind = lease_kind::requested;
    std::string instance;  ///< client process that a random name is kept for
    std::string target;
    std::string proto = "http";
    wall_time now{};
    std::string access{};  ///< of a new tunnel, like the next two
    std::optional<wall_time> expires_at{};
    std::string made_from{};  ///< network of whoever made a tunnel without an account
};

/// Asks for the public port of a tcp tunnel.
struct port_request {
    std::string account_id;
    std::string name;  ///< of the tunnel
    lease_kind kind = lease_kind::requested;
    std::string target;
    std::uint16_t wanted = 0;  ///< 0: the one that the tunnel had, or any
    std::uint16_t first = 0;   ///< of the edge's ports
    std::uint16_t last = 0;
    std::uint64_t most = 50;          ///< that one account may hold
    std::vector<std::uint16_t> busy;  ///< ports of other tunnels that are connected now
    wall_time now{};
};

/// What one account may hold. At `requested_names` a new name is refused; at `random_names` the one unused longest
/// goes.
struct name_limits {
    std::uint64_t requested_names = 1000;
    std::uint64_t random_names = 1000;
};

/// A name and the account that it is leased to.
struct leased_name {
    std::string name;
    std::string account_id;
    std::string email;  ///< of the account's owner
    lease_kind kind = lease_kind::requested;
    wall_time created_at{};
    wall_time last_used_at{};
    std::string tunnel_id;  ///< of the tunnel that has it; empty: none
};

/// A name, or a pattern with `*` for any run of characters, that no account may use.
struct blocked_name {
    std::string pattern;
    std::string reason;  ///< told to whoever asks for the name; may be empty
    wall_time created_at{};
};

/// One rule of a plan that the owner of the edge has set. What the words and values mean is the service's business.
struct plan_rule {
    std::string plan;
    std::string rule;
    std::int64_t value = 0;
};

struct usage_delta {
    std::string tunnel_id;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

struct account_usage {
    std::uint64_t tunnels_created = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

enum class token_kind : std::uint8_t { password_reset, email_verification };

/// What a link in a mail stands for: works once, until it expires or another one of its kind is made.
struct one_time_token {
    std::string digest;  ///< SHA-256 of the token, 32 bytes; the token itself is nowhere
    token_kind kind = token_kind::password_reset;
    std::string user_id;        ///< empty: of nobody, kept so that unknown addresses cost the same
    bool proves_email = false;  ///< it went to the address and nowhere else
    wall_time created_at{};
    wall_time expires_at{};
};

/// A code that opens accounts. The code itself is nowhere.
struct invitation {
    std::string id;  ///< "inv_…"
    std::string code_digest;
    std::string inviter_account_id;  ///< empty: the edge's owner
    std::string inviter_email;       ///< as found with it; empty like the account
    std::string plan;                ///< of who comes; empty: the edge's default
    std::uint64_t credit = 0;        ///< for who comes
    std::string inviter_plan;        ///< that the inviter gets when it is used; empty: keeps theirs
    std::uint64_t inviter_credit = 0;
    std::uint64_t uses_allowed = 1;
    std::uint64_t uses = 0;
    wall_time created_at{};
    wall_time expires_at{};
    std::optional<wall_time> revoked_at;
};

/// Who brought whom.
struct referral {
    std::string account_id;
    std::string email;               ///< of the account, as found with it
    std::string inviter_account_id;  ///< empty: the edge's owner, or an account that is gone
    std::string inviter_email;
    std::string invitation_id;
    std::uint64_t credit = 0;
    std::uint64_t inviter_credit = 0;
    wall_time created_at{};
};

/// Rows that nobody can ask for any more and that go with `store::purge`: older than these moments.
struct purge_before {
    wall_time random_names_unused{};
    wall_time tunnels_removed{};
    wall_time keys_dead{};  ///< revoked or expired
    wall_time tokens_expired{};
    wall_time invitations_expired{};
};

}  // namespace instatunnel::store
