#include "login.hpp"

#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/base/names.hpp"
#include "json_line.hpp"
#include "password.hpp"

namespace instatunnel::cli {
namespace {

outcome<std::string> obtain_email(const login_options& options, context& c) {
    std::string email(trim(options.email));
    if (email.empty()) {
        if (!c.term.can_prompt())
            return failure(errc::not_a_terminal, "An email is needed, and there is no terminal to ask on",
                           "Give both: instatunnel login -e EMAIL --password-stdin");
        auto typed = c.ask.ask("📧 Email: ");
        if (!typed) return typed.error();
        email = std::move(*typed);
    }
    // Whether it exists is the server's to say; this only catches what cannot be one.
    const auto at = email.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == email.size() || email.find(' ') != std::string::npos)
        return failure(errc::usage, "That is not an email address",
                       "Write it like: instatunnel login -e you@example.com");
    return email;
}

// Signing in does not have to name the new key; logout must know that it may revoke it.
void learn_key_id(api::auth_client& client, api::signed_in& who) {
    if (!who.key_id.empty()) return;
    if (auto account = client.account(who.api_key)) who.key_id = account->key_id;
}

outcome<void> store(const credentials& place, const api::signed_in& who, context& c) {
    config::profile p;
    // A server that nobody named stays open, so that the default can move.
    if (place.server_from != origin::preset) p.server = place.server;
    p.cacert = place.cacert;
    p.email = who.email;
    p.key = who.api_key.clone();
    p.key_id = who.key_id;
    return c.store.save(place.profile.name, p);
}

// An environment variable that outranks what was just stored would make the change look lost.
void warn_if_overruled(context& c) {
    if (!c.env.api_key.empty()) c.term.notice("INSTATUNNEL_API_KEY is set and wins over the stored key");
}

void print_signed_in(const credentials& place, const api::signed_in& who, context& c) {
    if (c.term.json()) {
        c.term.result(json_line("login")
                          .with("email", who.email)
                          .with("server", place.server)
                          .with("profile", place.profile.name)
                          .with("api_key", who.api_key.reveal())
                          .text());
        return;
    }
    c.term.result("✅ Login successful");
    c.term.result("🔑 API Key: " + std::string(who.api_key.reveal()));
}

// Only a key that login made is ours to revoke: one set by hand may serve other machines. True when it was revoked.
bool revoke(const credentials& place, context& c) {
    const auto& stored = place.profile.stored;
    if (stored.key_id.empty()) return false;
    auto http = c.make_http(place.cacert);
    outcome<void> revoked;
    if (http)
        revoked = api::auth_client(**http, place.server).logout(stored.key);
    else
        revoked = http.error();
    // A key that is not valid any more is what was wanted.
    if (revoked || exit_code_for(revoked.error().code) == exit_code::not_authenticated) return true;
    c.term.notice("The key was removed here but not revoked: " + printable(revoked.error().what()));
    return false;
}

}  // namespace

outcome<exit_code> run_login(const login_options& options, context& c) {
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    const auto email = obtain_email(options, c);
    if (!email) return email.error();
    const auto password =
        obtain_password(options.password_stdin, "instatunnel login -e EMAIL --password-stdin < password.txt", c);
    if (!password) return password.error();

    auto http = c.make_http(place->cacert);
    if (!http) return http.error();
    api::auth_client client(**http, place->server);
    auto who = client.login(*email, *password);
    if (!who) return who.error();
    learn_key_id(client, *who);
    if (auto stored = store(*place, *who, c); !stored) return stored.error();
    print_signed_in(*place, *who, c);
    warn_if_overruled(c);
    return exit_code::done;
}

outcome<exit_code> run_logout(const logout_options&, context& c) {
    auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    const bool had_key = !place->profile.stored.key.empty();
    bool revoked = false;
    if (had_key) {
        revoked = revoke(*place, c);
        auto emptied = std::move(place->profile.stored);
        emptied.key = secret();
        emptied.key_id.clear();
        emptied.email.clear();
        if (auto saved = c.store.save(place->profile.name, emptied); !saved) return saved.error();
    }
    if (c.term.json())
        c.term.result(json_line("logout")
                          .with("profile", place->profile.name)
                          .with("removed", had_key)
                          .with("revoked", revoked)
                          .text());
    else
        c.term.result(had_key ? "✅ Logged out" : "No API key is stored in profile " + place->profile.name);
    warn_if_overruled(c);
    return exit_code::done;
}

}  // namespace instatunnel::cli
