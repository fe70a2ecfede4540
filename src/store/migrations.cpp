#include "migrations.hpp"

#include <string>

#include "instatunnel/base/encoding.hpp"
#include "oauth_tables.hpp"

namespace instatunnel::store {
namespace {

// Time columns hold microseconds since 1970, UTC. `scopes` is a blank-separated list.
constexpr const char* create_first_tables = R"sql(
CREATE TABLE accounts(
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users(
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memberships(
    account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    PRIMARY KEY (account_id, user_id)
) STRICT;
CREATE INDEX memberships_by_user ON memberships(user_id);

CREATE TABLE credentials(
    user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('password')),
    data TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind)
) STRICT;

CREATE TABLE api_keys(
    id TEXT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    tail TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_account ON api_keys(account_id, created_at) WHERE revoked_at IS NULL;

CREATE TABLE names(
    name TEXT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('requested', 'random')),
    instance TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX names_by_account ON names(account_id, kind, last_used_at);
CREATE INDEX names_by_instance ON names(account_id, instance) WHERE kind = 'random';

CREATE TABLE tunnels(
    id TEXT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    connected_at INTEGER,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes_in INTEGER NOT NULL DEFAULT 0,
    bytes_out INTEGER NOT NULL DEFAULT 0,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tunnels_by_name ON tunnels(name) WHERE removed_at IS NULL;
CREATE INDEX tunnels_by_account ON tunnels(account_id) WHERE removed_at IS NULL;

CREATE TABLE account_usage(
    account_id TEXT PRIMARY KEY NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    tunnels_created INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes_in INTEGER NOT NULL DEFAULT 0,
    bytes_out INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE settings(
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;
)sql";

constexpr const char* add_rotation = R"sql(
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT;
)sql";

// No foreign keys: a record outlives what it tells of. Records are added at one end and cut off at the other, nothing
// else; the triggers guard against mistakes of ours, the hashes against others.
constexpr const char* create_audit_log = R"sql(
CREATE TABLE audit(
    seq INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'key', 'admin', 'system', 'anonymous')),
    actor TEXT NOT NULL,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('ok', 'refused')),
    detail TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_by_account ON audit(account_id, seq);

CREATE TABLE audit_anchor(
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Networks that a key was used from, to notice a new one.
CREATE TABLE key_addresses(
    key_id TEXT NOT NULL REFERENCES api_keys(id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, address)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_is_cut_at_the_anchor_only BEFORE DELETE ON audit
WHEN OLD.seq > coalesce((SELECT seq FROM audit_anchor), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
)sql";

// A CHECK cannot be changed: the table is copied. The records and their hashes stay as they are.
constexpr const char* let_clients_act = R"sql(
CREATE TABLE audit_with_clients(
    seq INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'key', 'client', 'admin', 'system', 'anonymous')),
    actor TEXT NOT NULL,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('ok', 'refused')),
    detail TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_with_clients(seq, at, actor_kind, actor, account_id, action, target, address, result, detail, hash)
    SELECT seq, at, actor_kind, actor, account_id, action, target, address, result, detail, hash FROM audit;
DROP TRIGGER audit_is_never_changed;
DROP TRIGGER audit_is_cut_at_the_anchor_only;
DROP TABLE audit;
ALTER TABLE audit_with_clients RENAME TO audit;
CREATE INDEX audit_by_account ON audit(account_id, seq);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_is_cut_at_the_anchor_only BEFORE DELETE ON audit
WHEN OLD.seq > coalesce((SELECT seq FROM audit_anchor), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
)sql";

// Only what the owner has changed is in plan_rules; everything else is as the program has it.
constexpr const char* create_plan_rules = R"sql(
CREATE TABLE plan_rules(
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (plan, rule)
) STRICT;

CREATE TABLE blocked_names(
    pattern TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
)sql";

// Accounts that exist were added by the edge's owner, who knows the address; register was for dev edges.
constexpr const char* add_account_life = R"sql(
ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));
ALTER TABLE users ADD COLUMN verified_at INTEGER;
UPDATE users SET verified_at = created_at;
ALTER TABLE accounts ADD COLUMN credit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN by_sign_in INTEGER NOT NULL DEFAULT 0 CHECK (by_sign_in IN (0, 1));

CREATE TABLE one_time_tokens(
    digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('password_reset', 'email_verification')),
    user_id TEXT REFERENCES users(id) ON DELETE CASCADE,
    proves_email INTEGER NOT NULL CHECK (proves_email IN (0, 1)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX one_time_tokens_by_user ON one_time_tokens(user_id, kind);

CREATE TABLE invitations(
    id TEXT PRIMARY KEY NOT NULL,
    code_digest BLOB NOT NULL UNIQUE CHECK (length(code_digest) = 32),
    inviter_account_id TEXT REFERENCES accounts(id) ON DELETE CASCADE,
    plan TEXT NOT NULL,
    credit INTEGER NOT NULL,
    inviter_plan TEXT NOT NULL,
    inviter_credit INTEGER NOT NULL,
    uses_allowed INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0 CHECK (uses <= uses_allowed),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX invitations_by_account ON invitations(inviter_account_id, created_at);

CREATE TABLE referrals(
    account_id TEXT PRIMARY KEY NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    inviter_account_id TEXT REFERENCES accounts(id) ON DELETE SET NULL,
    invitation_id TEXT NOT NULL,
    credit INTEGER NOT NULL,
    inviter_credit INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX referrals_by_inviter ON referrals(inviter_account_id, created_at);
)sql";

constexpr const char* add_kinds_of_tunnels = R"sql(
ALTER TABLE tunnels ADD COLUMN proto TEXT NOT NULL DEFAULT 'http' CHECK (proto IN ('http', 'tcp', 'tls'));
ALTER TABLE tunnels ADD COLUMN port INTEGER NOT NULL DEFAULT 0;

CREATE TABLE tcp_ports(
    port INTEGER PRIMARY KEY NOT NULL CHECK (port BETWEEN 1 AND 65535),
    account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('requested', 'random')),
    target TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tcp_ports_by_account ON tcp_ports(account_id, name);
)sql";

// Published clients know a tunnel by a number. It is the only proof of whoever made a tunnel without an account, so it
// cannot be guessed. `access` is sealed: what visitors are asked for.
constexpr const char* add_published_tunnels = R"sql(
ALTER TABLE tunnels ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE tunnels SET number = (random() & 4503599627370495) + 1;
CREATE UNIQUE INDEX tunnels_by_number ON tunnels(number);
ALTER TABLE tunnels ADD COLUMN access BLOB NOT NULL DEFAULT x'';
ALTER TABLE tunnels ADD COLUMN expires_at INTEGER;
ALTER TABLE tunnels ADD COLUMN made_from TEXT NOT NULL DEFAULT '';
CREATE INDEX tunnels_by_end ON tunnels(expires_at) WHERE expires_at IS NOT NULL;
INSERT INTO accounts(id, name, plan, created_at) VALUES ('acc_anonymous', 'Anonymous tunnels', 'business', 0);
)sql";

constexpr migration steps_of_this_program[] = {
    {1, "accounts, keys, names, tunnels and usage", create_first_tables},
    {2, "rotation of keys", add_rotation},
    {3, "audit log", create_audit_log},
    {4, "rules of plans and blocked names", create_plan_rules},
    {5, "sign-up, invitations, links in mails, accounts that are disabled", add_account_life},
    {6, "authorization server, sessions and second factors", create_oauth_tables},
    {7, "audit records of OAuth clients", let_clients_act},
    {8, "kinds of tunnels and public ports", add_kinds_of_tunnels},
    {9, "numbers, passwords and ends of tunnels", add_published_tunnels},
};

std::string checksum(const migration& step) {
    return to_hex(sha256(step.sql));
}

// Returns how many steps the data has had. Stored versions run 1, 2, 3, … like the program's.
outcome<std::size_t> verify_applied(database& db, std::span<const migration> steps) {
    query applied(db, "SELECT version, checksum FROM schema_migrations ORDER BY version");
    std::size_t known = 0;
    while (applied.next()) {
        const auto version = applied.number(0);
        if (known == steps.size())
            return failure(errc::store_failed,
                           "The data store " + db.file().string() + " was written by a newer version of this program",
                           "Update instatunnel, or use another folder: --data DIR");
        if (version != steps[known].version || applied.text(1) != checksum(steps[known]))
            return failure(errc::store_failed,
                           "The tables of the data store " + db.file().string() +
                               " were not made by this program: step " + std::to_string(version) + " differs",
                           "Use the version of instatunnel that made it, or restore it from a backup");
        ++known;
    }
    if (applied.failed()) return applied.error();
    return known;
}

outcome<void> apply(database& db, const migration& step, wall_time now) {
    if (auto changed = db.execute(step.sql); !changed) return changed;
    query note(db, "INSERT INTO schema_migrations(version, name, checksum, applied_at) VALUES (?, ?, ?, ?)");
    return note.bind(std::int64_t{step.version}).bind(step.name).bind(checksum(step)).bind(now).run();
}

}  // namespace

std::span<const migration> sqlite_migrations() noexcept {
    return steps_of_this_program;
}

outcome<void> migrate(database& db, std::span<const migration> steps, wall_time now) {
    return db.in_transaction([&]() -> outcome<void> {
        auto history = db.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations(version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, "
            "checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT");
        if (!history) return history;
        auto known = verify_applied(db, steps);
        if (!known) return known.error();
        for (const auto& step : steps.subspan(*known))
            if (auto done = apply(db, step, now); !done) return done;
        return {};
    });
}

}  // namespace instatunnel::store
