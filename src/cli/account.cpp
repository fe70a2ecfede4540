#include "account.hpp"

#include <algorithm>

#include "credentials.hpp"
#include "explain_failure.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/names.hpp"
#include "json_line.hpp"
#include "nearest.hpp"
#include "permissions.hpp"
#include "plan_limits.hpp"

namespace instatunnel::cli {
namespace {

outcome<api::account_info> fetch_account(const credentials& in_use, context& c) {
    auto http = c.make_http(in_use.cacert);
    if (!http) return http.error();
    auto account = api::auth_client(**http, in_use.server).account(in_use.key);
    if (!account) return explain_failure(account.error(), in_use);
    return account;
}

enum class key_status : std::uint8_t { valid, invalid, unknown };

// Only the server's own "no" makes a key invalid; any other failure leaves the question open.
key_status status_of(const outcome<api::account_info>& account) {
    if (account) return key_status::valid;
    return exit_code_for(account.error().code) == exit_code::not_authenticated ? key_status::invalid
                                                                               : key_status::unknown;
}

std::string status_text(key_status status, const std::string& server) {
    switch (status) {
        case key_status::valid:
            return "Valid";
        case key_status::invalid:
            return "Invalid";
        case key_status::unknown:
            break;
    }
    return "Unknown (cannot reach " + server + ")";
}

std::string_view status_word(key_status status) {
    switch (status) {
        case key_status::valid:
            return "valid";
        case key_status::invalid:
            return "invalid";
        case key_status::unknown:
            break;
    }
    return "unknown";
}

void print_status_json(const credentials& in_use, const outcome<api::account_info>& account, key_status status,
                       context& c) {
    json_line line("auth.status");
    line.with("status", status_word(status)).with("key", mask_key(in_use.key.reveal()));
    line.with("key_source", key_origin_name(in_use)).with("server", in_use.server);
    line.with("server_source", origin_name(in_use.server_from)).with("profile", in_use.profile.name);
    line.with("expires_at", account ? account->key_expires_at : std::optional<std::string>());
    if (!account) line.with("reason", code_name(account.error().code));
    c.term.result(line.text());
}

std::string capitalised(std::string text) {
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
        text.front() = static_cast<char>(text.front() - 32);
    return text;
}

outcome<void> check_scope_name(const std::string& scope) {
    const auto all = auth::all_scopes();
    if (std::ranges::find(all, scope) != all.end()) return {};
    const std::vector<std::string> names(all.begin(), all.end());
    const auto near = nearest(scope, names);
    return failure(errc::usage, "There is no permission \"" + printable(scope.substr(0, 80)) + "\"",
                   near.empty() ? "Write it like: instatunnel auth test --scope tunnels:write"
                                : "Did you mean: instatunnel auth test --scope " + near);
}

outcome<exit_code> test_scope(const std::string& scope, const api::account_info& account, context& c) {
    const bool granted = auth::grants(account.permissions, scope);
    if (!granted)
        return failure(errc::forbidden, "Permission '" + scope + "' is not granted to this key",
                       "Use a key that has it, or sign in for one with every permission: instatunnel login");
    if (c.term.json())
        c.term.result(json_line("auth.test").with("scope", scope).with("granted", true).text());
    else
        c.term.result("✅ Permission '" + scope + "' granted");
    return exit_code::done;
}

json_line account_event(const char* event, const api::account_info& a) {
    json_line line(event);
    line.with("user", a.email).with("id", a.id).with("name", a.name).with("plan", a.plan);
    line.with("permissions", std::span<const std::string>(a.permissions));
    if (a.limits) line.with_object("limits", limits_object(*a.limits));
    line.with("key_id", a.key_id).with("key_name", a.key_name).with("expires_at", a.key_expires_at);
    return line;
}

}  // namespace

outcome<exit_code> run_auth_status(const auth_status_options&, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    const auto account = fetch_account(*in_use, c);
    const auto status = status_of(account);
    const bool reached = account || exit_code_for(account.error().code) != exit_code::server_unreachable;
    // The server answered, but neither yes nor no: saying that it cannot be reached would be wrong.
    if (status == key_status::unknown && reached) return account.error();
    if (c.term.json()) {
        print_status_json(*in_use, account, status, c);
    } else {
        c.term.result("Current API Key: " + mask_key(in_use->key.reveal()));
        c.term.result("Status: " + status_text(status, in_use->server));
        c.term.result("Expires: " + (account ? account->key_expires_at.value_or("Never") : std::string("Unknown")));
        c.term.notice("Key from: " + describe_key_origin(*in_use));
        c.term.notice("Server: " + in_use->server + " (from: " + describe_server_origin(*in_use) + ")");
        if (!account) c.term.report(account.error());
    }
    return account ? exit_code::done : exit_code_for(account.error().code);
}

outcome<exit_code> run_auth_test(const auth_test_options& options, context& c) {
    if (!options.scope.empty())
        if (auto known = check_scope_name(options.scope); !known) return known.error();
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    const auto account = fetch_account(*in_use, c);
    if (!account) return account.error();
    if (!options.scope.empty()) return test_scope(options.scope, *account, c);
    if (c.term.json()) {
        c.term.result(account_event("auth.test", *account).with("valid", true).text());
        return exit_code::done;
    }
    c.term.result("✅ API key is valid");
    c.term.result("👤 User: " + printable(account->email));
    c.term.result("📋 Plan: " + printable(capitalised(account->plan)));
    c.term.result("🔑 Permissions: " + permissions_text(account->permissions));
    if (account->limits) c.term.notice("Limits: " + limits_text(*account->limits));
    return exit_code::done;
}

outcome<exit_code> run_whoami(const whoami_options&, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    const auto account = fetch_account(*in_use, c);
    if (!account) return account.error();
    if (c.term.json()) {
        c.term.result(account_event("whoami", *account)
                          .with("server", in_use->server)
                          .with("tunnels_created", account->tunnels_created)
                          .with("data_transferred", account->data_transferred)
                          .with("requests_served", account->requests_served)
                          .with("bytes_in", account->bytes_in)
                          .with("bytes_out", account->bytes_out)
                          .with("bytes_transferred", account->bytes_transferred)
                          .with("tunnels_online", account->tunnels_online)
                          .text());
        return exit_code::done;
    }
    const std::string name = account->name.empty() ? "" : " (" + printable(account->name) + ")";
    c.term.result("👤 User: " + printable(account->email) + name);
    c.term.result("📋 Plan: " + printable(capitalised(account->plan)));
    c.term.result("📊 Usage: " + std::to_string(account->tunnels_created) + " tunnels created, " +
                  std::to_string(account->requests_served) + " requests served, " +
                  printable(account->data_transferred) + " transferred");
    if (account->limits) c.term.notice("Limits: " + limits_text(*account->limits));
    c.term.notice("Server: " + in_use->server + " (from: " + describe_server_origin(*in_use) + ")");
    return exit_code::done;
}

}  // namespace instatunnel::cli
