#include "first_user.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/file.hpp"

namespace instatunnel::service {
namespace {

constexpr const char* dev_email = "dev@localhost";

std::optional<std::string> text_member(const nlohmann::json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end() || !member->is_string()) return std::nullopt;
    return member->get<std::string>();
}

// nullopt: not there or not readable as what we wrote.
outcome<std::optional<first_user>> load(const std::filesystem::path& file) {
    auto text = read_private_file(file, 65536);
    if (!text) {
        if (text.error().code == errc::file_missing) return std::optional<first_user>();
        return text.error();
    }
    const secret content(std::move(*text));
    const auto object = nlohmann::json::parse(content.reveal(), nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) return std::optional<first_user>();
    auto email = text_member(object, "email");
    auto password = text_member(object, "password");
    auto key = text_member(object, "api_key");
    if (!email || !password || !key) return std::optional<first_user>();
    return std::optional<first_user>(first_user{*email, secret(*password), secret(*key), false});
}

outcome<void> save(const std::filesystem::path& file, const first_user& user) {
    nlohmann::ordered_json object;
    object["email"] = user.email;
    object["password"] = user.password.reveal();
    object["api_key"] = user.api_key.reveal();
    const secret text(object.dump(2) + "\n");
    return write_file_atomically(file, text.reveal(), 0600);
}

bool still_works(const first_user& user, const store::user& known, keyring& keys) {
    const auto key = keys.check(user.api_key.reveal());
    return user.email == known.email && key && key->user_id == known.id && auth::grants(key->scopes, "tunnels:write");
}

outcome<first_user> make(store::store& target, keyring& keys, audit_log& audit, const tuning& t,
                         const std::optional<store::user>& known) {
    first_user made{dev_email, auth::make_password(), {}, true};
    auto hash = auth::hash_password(made.password, t.password_cost);
    if (!hash) return hash.error();
    store::user owner;
    owner.id = known ? known->id : auth::make_id("user");
    owner.account_id = known ? known->account_id : auth::make_id("acc");
    auto key = keys.make(owner.account_id, owner.id, {"dev", auth::full_scope_set(), std::nullopt});
    made.api_key = std::move(key.key);
    const auto event = [&](std::string_view action) {
        audit_event e(action);
        e.by(actor_kind::system).of(owner.account_id).about(dev_email).with("key", key.record.id);
        return e;
    };
    if (known) {
        auto stored = audit.together([&] { return target.reset_credentials(owner.id, *hash, key.record); },
                                     [&] { return event("password.changed"); });
        if (!stored) return stored.error();
        return made;
    }
    owner.email = dev_email;
    owner.name = "dev";
    owner.plan = "pro";
    owner.password_hash = *hash;
    owner.created_at = t.now();
    owner.verified_at = owner.created_at;
    auto stored =
        audit.together([&] { return target.add_user(owner, key.record); }, [&] { return event("account.registered"); });
    if (!stored) return stored.error();
    return made;
}

}  // namespace

outcome<first_user> settle_first_user(const std::filesystem::path& folder, store::store& target, keyring& keys,
                                      audit_log& audit, const tuning& t) {
    const auto file = folder / "dev.json";
    auto kept = load(file);
    if (!kept) return kept.error();
    auto known = target.find_user_by_email(dev_email);
    if (!known) return known.error();
    if (*kept && *known && still_works(**kept, **known, keys)) return std::move(**kept);
    auto made = make(target, keys, audit, t, *known);
    if (!made) return made.error();
    if (auto saved = save(file, *made); !saved) return saved.error();
    return made;
}

}  // namespace instatunnel::service
