#include "logout.hpp"

#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

struct revocation {
    bool done = false;
    std::optional<failure> problem;
};

// Where the key belongs: a variable that names another server must not send it there.
void return_to_stored_server(credentials& place) {
    if (place.server_from == origin::flag) return;
    const auto& stored = place.profile.stored;
    place.server = stored.server.empty() ? std::string(default_server) : stored.server;
    if (!stored.cacert.empty()) place.cacert = stored.cacert;
}

// Only a key that login made is ours to revoke: one set by hand may serve other machines.
revocation revoke(credentials& place, context& c) {
    const auto& stored = place.profile.stored;
    if (stored.key_id.empty()) return {};
    const auto key = c.store.key_of(stored);
    if (!key) return {false, key.error()};
    return_to_stored_server(place);
    auto http = c.make_http(place.cacert);
    if (!http) return {false, http.error()};
    const auto revoked = api::auth_client(**http, place.server).logout(*key);
    // A key that is not valid any more is what was wanted.
    if (revoked || exit_code_for(revoked.error().code) == exit_code::not_authenticated) return {true, std::nullopt};
    return {false, revoked.error()};
}

outcome<void> forget(credentials& place, context& c) {
    config::profile emptied;
    emptied.server = place.profile.stored.server;
    emptied.cacert = place.profile.stored.cacert;
    return c.store.save(place.profile.name, emptied);
}

void print_logged_out(const credentials& place, bool had_key, const revocation& revoked, context& c) {
    if (c.term.json()) {
        json_line line("logout");
        line.with("profile", place.profile.name).with("removed", had_key).with("revoked", revoked.done);
        if (revoked.problem)
            line.with("reason", code_name(revoked.problem->code)).with("key_id", place.profile.stored.key_id);
        c.term.result(line.text());
        return;
    }
    c.term.result(had_key ? "✅ Logged out" : "No API key is stored in profile " + place.profile.name);
    if (revoked.problem)
        c.term.notice("The key was removed here but not revoked: " + printable(revoked.problem->what()) +
                      ". Until then it stays valid; revoke it with another key: instatunnel auth keys revoke " +
                      printable(place.profile.stored.key_id));
}

}  // namespace

outcome<exit_code> run_logout(const logout_options&, context& c) {
    auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    const bool had_key = place->profile.stored.has_key();
    revocation revoked;
    if (had_key) {
        revoked = revoke(*place, c);
        if (auto forgotten = forget(*place, c); !forgotten) return forgotten.error();
    }
    print_logged_out(*place, had_key, revoked, c);
    if (!c.env.api_key.empty()) c.term.notice("INSTATUNNEL_API_KEY is still set: commands go on using it");
    return exit_code::done;
}

}  // namespace instatunnel::cli
