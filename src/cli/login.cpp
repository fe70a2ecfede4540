#include "login.hpp"

#include "browser_login.hpp"
#include "credentials.hpp"
#include "device_login.hpp"
#include "explain_failure.hpp"
#include "json_line.hpp"
#include "sign_in.hpp"
#include "sign_in_way.hpp"

namespace instatunnel::cli {
namespace {

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

void print_signed_in(const credentials& place, const sign_in_result& result, context& c) {
    const auto& who = result.who;
    if (c.term.json()) {
        c.term.result(json_line("login")
                          .with("email", who.email)
                          .with("server", place.server)
                          .with("profile", place.profile.name)
                          .with("api_key", who.api_key.reveal())
                          .with("created", result.created)
                          .text());
        return;
    }
    if (result.created) c.term.result("✅ Account created");
    c.term.result("✅ Login successful");
    c.term.result("🔑 API Key: " + std::string(who.api_key.reveal()));
}

outcome<sign_in_result> sign_in_elsewhere(sign_in_way way, const std::string& server, api::http_client& http,
                                          context& c) {
    // First of all: threads that the calls start must not take the signals.
    interruption interrupted;
    const auto sign_in_there = way == sign_in_way::device ? sign_in_with_device : sign_in_with_browser;
    auto result = sign_in_there(http, server, interrupted, c);
    if (result || !interrupted.happened()) return result;
    c.term.notice("Stopped: nobody was signed in");
    return failure(errc::cancelled);
}

outcome<sign_in_result> sign_in_by(sign_in_way way, const login_options& options, const credentials& place,
                                   api::http_client& http, context& c) {
    if (way != sign_in_way::password) return sign_in_elsewhere(way, place.server, http, c);
    api::auth_client client(http, place.server);
    auto result = sign_in(options, client, c).run();
    if (result) learn_key_id(client, result->who);
    return result;
}

}  // namespace

outcome<exit_code> run_login(const login_options& options, context& c) {
    const auto way = choose_sign_in_way(options, c);
    if (!way) return way.error();
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    auto http = c.make_http(place->cacert);
    if (!http) return http.error();
    auto result = sign_in_by(*way, options, *place, **http, c);
    if (!result) return explain_failure(result.error(), *place);
    if (auto stored = store(*place, result->who, c); !stored) {
        // A key that nobody holds would stay valid at the server for ever.
        (void)api::auth_client(**http, place->server).logout(result->who.api_key);
        return stored.error();
    }
    print_signed_in(*place, *result, c);
    // With a password it was typed; a browser may have been signed in as somebody else.
    if (*way != sign_in_way::password)
        c.term.notice("Signed in as " + printable(result->who.email) + " at " + place->server);
    warn_if_overruled(c);
    return exit_code::done;
}

}  // namespace instatunnel::cli
