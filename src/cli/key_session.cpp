#include "key_session.hpp"

#include "explain_failure.hpp"
#include "instatunnel/api/auth_client.hpp"

namespace instatunnel::cli {

outcome<std::unique_ptr<key_session>> key_session::open(context& c) {
    auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    return std::unique_ptr<key_session>(new key_session(std::move(*in_use), std::move(*http)));
}

key_session::key_session(credentials in_use, std::unique_ptr<api::http_client> http)
    : in_use_(std::move(in_use)), http_(std::move(http)), keys_(*http_, in_use_.server, in_use_.key) {}

failure key_session::explain(const failure& f) const {
    return explain_failure(f, in_use_);
}

outcome<std::string> key_session::own_id() {
    if (!own_id_.empty()) return own_id_;
    auto account = api::auth_client(*http_, in_use_.server).account(in_use_.key);
    if (!account) return explain(account.error());
    own_id_ = account->key_id;
    return own_id_;
}

outcome<bool> key_session::is_stored(const std::string& id) {
    const auto& stored = in_use_.profile.stored;
    if (!stored.has_key()) return false;
    if (stored.key_id == id) return true;
    if (in_use_.key_from != origin::stored && stored.key.reveal() != in_use_.key.reveal()) return false;
    const auto own = own_id();
    if (!own) return own.error();
    return *own == id;
}

outcome<void> key_session::store(const api::new_key& made, context& c) const {
    const auto& old = in_use_.profile.stored;
    config::profile p;
    p.server = in_use_.server_from == origin::preset ? std::string() : in_use_.server;
    p.cacert = in_use_.cacert;
    p.email = old.email;
    p.key = made.key.clone();
    // Only a key that login made is logout's to revoke; its successor takes that over.
    if (!old.key_id.empty()) p.key_id = made.info.id;
    return c.store.save(in_use_.profile.name, p);
}

outcome<void> key_session::forget(context& c) const {
    config::profile emptied;
    emptied.server = in_use_.profile.stored.server;
    emptied.cacert = in_use_.profile.stored.cacert;
    return c.store.save(in_use_.profile.name, emptied);
}

}  // namespace instatunnel::cli
