#include "admin_oauth_client.hpp"

#include "admin_user.hpp"
#include "data_folder.hpp"
#include "instatunnel/service/admin_oauth_clients.hpp"
#include "json_line.hpp"
#include "permissions.hpp"
#include "text_table.hpp"

namespace instatunnel::cli {
namespace {

void add_members(json_line& line, const service::oauth_client_row& client) {
    line.with("id", client.id).with("name", client.name).with("owner", client.owner).with("origin", client.origin);
    line.with("redirect_uris", std::span<const std::string>(client.redirect_uris));
    line.with("grants", std::span<const std::string>(client.grants));
    line.with("scopes", std::span<const std::string>(client.scopes));
    line.with("public", client.is_public).with("created_at", to_rfc3339(client.created_at));
}

std::string blank_list(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

outcome<exit_code> add(const admin_oauth_client_options& options, context& c) {
    for (const auto& scope : options.scopes)
        if (auto known = check_permission(scope); !known) return known.error();
    const auto made = service::add_oauth_client(
        data_folder(options.data, c), {options.name, options.uri, options.owner, options.redirect_uris, options.grants,
                                       options.scopes, options.is_public});
    if (!made) return made.error();
    if (c.term.json()) {
        json_line line("admin.oauth_client");
        add_members(line, made->row);
        if (!made->client_secret.empty()) line.with("client_secret", made->client_secret.reveal());
        c.term.result(line.text());
        return exit_code::done;
    }
    c.term.result("client_id: " + made->row.id);
    if (!made->client_secret.empty()) c.term.result("client_secret: " + std::string(made->client_secret.reveal()));
    c.term.notice("✅ OAuth client made: " + printable(made->row.name) +
                  (made->client_secret.empty() ? "" : ". The secret is shown this once: keep it now"));
    return exit_code::done;
}

outcome<exit_code> list(const admin_oauth_client_options& options, context& c) {
    const auto clients = service::list_oauth_clients(data_folder(options.data, c));
    if (!clients) return clients.error();
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& client : *clients) {
            auto object = json_line::object();
            add_members(object, client);
            objects.push_back(std::move(object));
        }
        c.term.result(json_line("admin.oauth_clients").with_objects("clients", objects).text());
        return exit_code::done;
    }
    text_table table({"ID", "NAME", "OWNER", "ORIGIN", "KIND", "CREATED", "REDIRECTS"});
    for (const auto& client : *clients)
        table.add({printable(client.id), printable(client.name), client.owner, client.origin,
                   client.is_public ? "public" : "confidential", to_rfc3339(client.created_at),
                   printable(blank_list(client.redirect_uris))});
    for (const auto& line : table.lines())
        c.term.result(line);
    return exit_code::done;
}

outcome<exit_code> remove(const admin_oauth_client_options& options, context& c) {
    if (auto removed = service::remove_oauth_client(data_folder(options.data, c), options.id); !removed)
        return removed.error();
    if (c.term.json())
        c.term.result(json_line("admin.oauth_client_removed").with("id", options.id).text());
    else
        c.term.result("✅ OAuth client removed: " + printable(options.id));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_admin_oauth_client(const admin_oauth_client_options& options, context& c) {
    using what = admin_oauth_client_options::action;
    switch (options.what) {
        case what::add:
            return add(options, c);
        case what::remove:
            return remove(options, c);
        default:
            return list(options, c);
    }
}

}  // namespace instatunnel::cli
