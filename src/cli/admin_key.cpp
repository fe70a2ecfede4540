#include "admin_key.hpp"

#include "auth_keys.hpp"
#include "data_folder.hpp"
#include "instatunnel/service/admin_keys.hpp"
#include "json_line.hpp"
#include "permissions.hpp"
#include "text_table.hpp"

namespace instatunnel::cli {
namespace {

std::optional<std::string> to_text(const std::optional<wall_time>& time) {
    if (!time) return std::nullopt;
    return to_rfc3339(*time);
}

void add_members(json_line& line, const service::key_row& key) {
    line.with("id", key.id).with("email", key.email).with("name", key.name);
    line.with("permissions", std::span<const std::string>(key.permissions));
    line.with("created_at", to_rfc3339(key.created_at)).with("last_used", to_text(key.last_used_at));
    line.with("expires_at", to_text(key.expires_at));
}

}  // namespace

outcome<exit_code> run_admin_key_list(const admin_key_list_options& options, context& c) {
    const auto keys = service::list_account_keys(data_folder(options.data, c), options.email);
    if (!keys) return keys.error();
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& key : *keys) {
            auto object = json_line::object();
            add_members(object, key);
            objects.push_back(object.with("key", key.masked));
        }
        c.term.result(json_line("admin.keys").with_objects("keys", objects).text());
        return exit_code::done;
    }
    text_table table({"ID", "USER", "NAME", "KEY", "CREATED", "LAST USED", "EXPIRES", "PERMISSIONS"});
    for (const auto& key : *keys)
        table.add({key.id, key.email, key.name, key.masked, to_rfc3339(key.created_at),
                   to_text(key.last_used_at).value_or("Never"), to_text(key.expires_at).value_or("Never"),
                   permissions_text(key.permissions)});
    for (const auto& line : table.lines())
        c.term.result(line);
    return exit_code::done;
}

outcome<exit_code> run_admin_key_create(const admin_key_create_options& options, context& c) {
    for (const auto& scope : options.scopes)
        if (auto known = check_permission(scope); !known) return known.error();
    const auto expires = parse_expiry(options.expires, wall_now());
    if (!expires) return expires.error();
    service::admin_key_wish wish{options.email, options.name, options.scopes, std::nullopt};
    if (*expires) wish.expires_at = parse_rfc3339(**expires);
    const auto made = service::create_account_key(data_folder(options.data, c), wish);
    if (!made) return made.error();
    if (c.term.json()) {
        json_line line("admin.key");
        add_members(line, made->row);
        c.term.result(line.with("key", made->key.reveal()).text());
        return exit_code::done;
    }
    // The key alone on stdout, so that a script can catch it; nobody will see it again.
    c.term.result(made->key.reveal());
    c.term.notice("✅ Key created for " + printable(made->row.email) + ": " + printable(made->row.name) + " (" +
                  made->row.id + "). It is shown this once: keep it now");
    return exit_code::done;
}

outcome<exit_code> run_admin_key_revoke(const admin_key_revoke_options& options, context& c) {
    if (auto revoked = service::revoke_account_key(data_folder(options.data, c), options.id); !revoked)
        return revoked.error();
    if (c.term.json())
        c.term.result(json_line("admin.key_revoked").with("id", options.id).text());
    else
        c.term.result("✅ Key revoked: " + printable(options.id));
    return exit_code::done;
}

}  // namespace instatunnel::cli
