#include "auth_keys.hpp"

#include "duration.hpp"
#include "instatunnel/auth/email.hpp"
#include "json_line.hpp"
#include "key_session.hpp"
#include "permissions.hpp"
#include "text_table.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::chrono::days longest_life{3650};

json_line with_members(json_line line, const api::key_info& key) {
    line.with("id", key.id).with("name", key.name).with("key", key.masked).with("created_at", key.created_at);
    line.with("last_used", key.last_used).with("expires_at", key.expires_at);
    line.with("permissions", std::span<const std::string>(key.permissions));
    if (!key.replaced_by.empty()) line.with("replaced_by", key.replaced_by);
    return line;
}

void print_one(const char* event, const api::key_info& key, context& c) {
    if (c.term.json()) {
        c.term.result(with_members(json_line(event), key).text());
        return;
    }
    c.term.result("🔑 " + printable(key.name) + " (" + printable(key.id) + ")");
    c.term.result("Key: " + printable(key.masked));
    c.term.result("Created: " + printable(key.created_at));
    c.term.result("Last used: " + key.last_used.value_or("Never"));
    c.term.result("Expires: " + key.expires_at.value_or("Never"));
    c.term.result("Permissions: " + permissions_text(key.permissions));
    if (!key.replaced_by.empty()) c.term.result("Replaced by: " + printable(key.replaced_by));
}

outcome<void> check_name(const std::string& name) {
    if (auth::is_display_name(name)) return {};
    return failure(errc::usage, "A key's name has 1 to 120 bytes and no control characters",
                   "Write it like --name \"CI of the shop\"");
}

}  // namespace

outcome<std::optional<std::string>> parse_expiry(const std::string& text, wall_time now) {
    if (text.empty()) return std::optional<std::string>();
    const failure unusable(errc::usage, "\"" + printable(text.substr(0, 40)) + "\" is no time to come within 10 years",
                           "Write it like --expires 30d or --expires 2030-01-31T00:00:00Z");
    auto at = parse_rfc3339(text);
    if (!at) {
        const auto life = parse_duration(text, longest_life);
        if (!life) return unusable;
        at = now + *life;
    }
    if (*at <= now || *at > now + longest_life) return unusable;
    return std::optional<std::string>(to_rfc3339(*at));
}

outcome<exit_code> run_keys_list(const keys_list_options&, context& c) {
    auto session = key_session::open(c);
    if (!session) return session.error();
    const auto keys = (*session)->keys().list();
    if (!keys) return (*session)->explain(keys.error());
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& key : *keys)
            objects.push_back(with_members(json_line::object(), key));
        c.term.result(json_line("auth.keys").with_objects("keys", objects).text());
        return exit_code::done;
    }
    text_table table({"ID", "NAME", "KEY", "CREATED", "LAST USED", "EXPIRES", "PERMISSIONS"});
    for (const auto& key : *keys)
        table.add({key.id, key.name, key.masked, key.created_at, key.last_used.value_or("Never"),
                   key.expires_at.value_or("Never"), permissions_text(key.permissions)});
    for (const auto& line : table.lines())
        c.term.result(line);
    return exit_code::done;
}

outcome<exit_code> run_keys_show(const keys_show_options& options, context& c) {
    auto session = key_session::open(c);
    if (!session) return session.error();
    const auto key = (*session)->keys().find(options.id);
    if (!key) return (*session)->explain(key.error());
    print_one("auth.key", *key, c);
    return exit_code::done;
}

outcome<exit_code> run_keys_create(const keys_create_options& options, context& c) {
    if (auto usable = check_name(options.name); !usable) return usable.error();
    for (const auto& scope : options.scopes)
        if (auto known = check_permission(scope); !known) return known.error();
    auto expires_at = parse_expiry(options.expires, wall_now());
    if (!expires_at) return expires_at.error();
    auto session = key_session::open(c);
    if (!session) return session.error();
    const auto made = (*session)->keys().create({options.name, options.scopes, *expires_at});
    if (!made) return (*session)->explain(made.error());
    if (c.term.json()) {
        json_line line("auth.key_created");
        line.with("id", made->info.id).with("name", made->info.name).with("key", made->key.reveal());
        line.with("permissions", std::span<const std::string>(made->info.permissions));
        c.term.result(line.with("expires_at", made->info.expires_at).text());
        return exit_code::done;
    }
    // The key alone on stdout, so that a script can catch it; nobody will see it again.
    c.term.result(made->key.reveal());
    c.term.notice("✅ Key created: " + printable(made->info.name) + " (" + printable(made->info.id) +
                  "). It is shown this once: keep it now");
    return exit_code::done;
}

outcome<exit_code> run_keys_rename(const keys_rename_options& options, context& c) {
    if (auto usable = check_name(options.name); !usable) return usable.error();
    auto session = key_session::open(c);
    if (!session) return session.error();
    const auto key = (*session)->keys().rename(options.id, options.name);
    if (!key) return (*session)->explain(key.error());
    if (c.term.json())
        print_one("auth.key", *key, c);
    else
        c.term.result("✅ Key " + printable(key->id) + " is called " + printable(key->name));
    return exit_code::done;
}

}  // namespace instatunnel::cli
