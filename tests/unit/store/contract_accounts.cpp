#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

void keeps_users(store_source& source) {
    const auto ann = make_user("ann");
    REQUIRE(source.open()->add_user(ann, make_key(ann, "first")));
    const auto s = source.open();
    const auto found = s->find_user_by_email("ann@example.com").value();
    REQUIRE(found);
    CHECK(found->id == ann.id);
    CHECK(found->account_id == ann.account_id);
    CHECK(found->name == "ann");
    CHECK(found->plan == "pro");
    CHECK(found->password_hash == ann.password_hash);
    CHECK(found->created_at == ann.created_at);
    CHECK(s->find_user(ann.id).value()->email == ann.email);
    CHECK(s->find_key(make_key(ann, "first").digest).value()->user_id == ann.id);
    CHECK_FALSE(s->find_user_by_email("bob@example.com").value());
    CHECK_FALSE(s->find_user("user_bob").value());
}

void refuses_a_second_user_with_the_same_email_and_keeps_nothing_of_it(store_source& source) {
    const auto s = source.open();
    add(*s, "ann");
    auto twin = make_user("twin");
    twin.email = "ann@example.com";
    const auto added = s->add_user(twin, make_key(twin, "first"));
    REQUIRE_FALSE(added);
    CHECK(added.error().code == errc::already_exists);
    CHECK_FALSE(s->find_key(make_key(twin, "first").digest).value());
    twin.email = "twin@example.com";
    CHECK(s->add_user(twin, std::nullopt));  // the account of the failed try is not there either
}

void lists_users_oldest_first(store_source& source) {
    const auto s = source.open();
    CHECK(s->list_users().value().empty());
    auto late = make_user("ann");
    late.created_at = at_second(500);
    REQUIRE(s->add_user(late, std::nullopt));
    add(*s, "bob");
    const auto users = s->list_users().value();
    REQUIRE(users.size() == 2);
    CHECK(users[0].name == "bob");
    CHECK(users[1].name == "ann");
}

void keeps_users_without_a_password(store_source& source) {
    const auto s = source.open();
    auto u = make_user("ann");
    u.password_hash.clear();
    REQUIRE(s->add_user(u, std::nullopt));
    CHECK(s->find_user(u.id).value()->password_hash.empty());
}

void resets_password_and_key_together_or_not_at_all(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->reset_credentials(ann.id, "new hash", make_key(ann, "new")));
    CHECK(s->find_user(ann.id).value()->password_hash == "new hash");
    CHECK(s->find_key(make_key(ann, "new").digest).value());
    CHECK(s->reset_credentials(ann.id, "newer hash", make_key(ann, "new")).error().code == errc::already_exists);
    CHECK(s->find_user(ann.id).value()->password_hash == "new hash");
    CHECK(s->reset_credentials("user_x", "h", make_key(ann, "x")).error().code == errc::not_found);
}

void keeps_keys(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    auto key = make_key(ann, "ci");
    key.expires_at = at_second(900);
    REQUIRE(source.open()->add_key(key, 10));
    const auto found = source.open()->find_key(key.digest).value();
    REQUIRE(found);
    CHECK(found->id == key.id);
    CHECK(found->account_id == key.account_id);
    CHECK(found->name == "ci");
    CHECK(found->digest == key.digest);
    CHECK(found->tail == "abc");
    CHECK(found->scopes == key.scopes);
    CHECK(found->created_at == key.created_at);
    CHECK(found->expires_at == at_second(900));
    CHECK_FALSE(found->last_used_at);
    CHECK_FALSE(found->revoked_at);
    CHECK_FALSE(source.open()->find_key(std::string(32, 'x')).value());
}

void limits_keys_that_are_not_revoked(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->add_key(make_key(ann, "1"), 2));
    REQUIRE(s->add_key(make_key(ann, "2"), 2));
    CHECK(s->add_key(make_key(ann, "3"), 2).error().code == errc::forbidden);
    CHECK(s->add_key(make_key(bob, "1"), 2));
    REQUIRE(s->revoke_key(ann.account_id, make_key(ann, "1").id, at_second(300)));
    CHECK(s->add_key(make_key(ann, "3"), 2));
}

void revokes_keys_once_and_only_for_their_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    CHECK(s->revoke_key(bob.account_id, key.id, at_second(300)).error().code == errc::not_found);
    CHECK(s->list_keys(ann.account_id).value().size() == 1);
    REQUIRE(s->revoke_key(ann.account_id, key.id, at_second(300)));
    CHECK(s->list_keys(ann.account_id).value().empty());
    CHECK(s->find_key(key.digest).value()->revoked_at == at_second(300));
    CHECK(s->revoke_key(ann.account_id, key.id, at_second(400)).error().code == errc::not_found);
}

void finds_a_key_by_id_for_its_account_only(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    CHECK(s->find_key_by_id(ann.account_id, key.id).value()->digest == key.digest);
    CHECK_FALSE(s->find_key_by_id(bob.account_id, key.id).value());
    CHECK_FALSE(s->find_key_by_id(ann.account_id, "key_unknown").value());
    CHECK(s->find_key_of_any_account(key.id).value()->account_id == ann.account_id);
    CHECK_FALSE(s->find_key_of_any_account("key_unknown").value());
    REQUIRE(s->revoke_key(ann.account_id, key.id, at_second(300)));
    CHECK(s->find_key_by_id(ann.account_id, key.id).value()->revoked_at == at_second(300));
}

void renames_keys_that_are_not_revoked(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    REQUIRE(s->rename_key(ann.account_id, key.id, "production"));
    CHECK(source.open()->find_key(key.digest).value()->name == "production");
    CHECK(s->rename_key(bob.account_id, key.id, "mine").error().code == errc::not_found);
    REQUIRE(s->revoke_key(ann.account_id, key.id, at_second(300)));
    CHECK(s->rename_key(ann.account_id, key.id, "dead").error().code == errc::not_found);
    CHECK(s->find_key(key.digest).value()->name == "production");
}

void replaces_a_key_once_and_never_lengthens_its_life(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto eternal = make_key(ann, "eternal");
    auto short_lived = make_key(ann, "short");
    short_lived.expires_at = at_second(500);
    REQUIRE(s->add_key(eternal, 10));
    REQUIRE(s->add_key(short_lived, 10));
    CHECK_FALSE(s->find_key(eternal.digest).value()->replaced_by);
    CHECK(s->replace_key(bob.account_id, eternal.id, "key_new", at_second(900)).error().code == errc::not_found);
    REQUIRE(s->replace_key(ann.account_id, eternal.id, "key_new", at_second(900)));
    REQUIRE(s->replace_key(ann.account_id, short_lived.id, "key_new", at_second(900)));
    const auto found = source.open()->find_key(eternal.digest).value();
    CHECK(found->expires_at == at_second(900));
    CHECK(found->replaced_by == "key_new");
    CHECK(s->find_key(short_lived.digest).value()->expires_at == at_second(500));
    CHECK(s->replace_key(ann.account_id, eternal.id, "key_2", at_second(800)).error().code == errc::not_found);
    CHECK(s->find_key(eternal.digest).value()->replaced_by == "key_new");
}

void tells_that_somebody_else_changed_something(store_source& source) {
    const auto s = source.open();
    CHECK_FALSE(s->changed_elsewhere().value());
    const auto ann = add(*s, "ann");
    CHECK_FALSE(s->changed_elsewhere().value());
    const auto other = source.open();
    REQUIRE(other->add_key(make_key(ann, "ci"), 10));
    CHECK(s->changed_elsewhere().value());
    CHECK_FALSE(s->changed_elsewhere().value());
    REQUIRE(other->find_key(make_key(ann, "ci").digest));
    CHECK_FALSE(s->changed_elsewhere().value());
}

void records_last_uses_forwards_only(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    const key_use later[] = {{key.id, at_second(500)}, {"key_unknown", at_second(500)}};
    const key_use earlier[] = {{key.id, at_second(400)}};
    REQUIRE(s->record_key_uses(later));
    REQUIRE(s->record_key_uses(earlier));
    CHECK(s->list_keys(ann.account_id).value()[0].last_used_at == at_second(500));
}

void settles_a_setting_once(store_source& source) {
    CHECK_FALSE(source.open()->find_setting("x").value());
    CHECK(source.open()->settle_setting("x", "first").value() == "first");
    CHECK(source.open()->settle_setting("x", "second").value() == "first");
    CHECK(source.open()->find_setting("x").value() == "first");
}

void treats_text_as_data(store_source& source) {
    const auto s = source.open();
    auto u = make_user("ann");
    u.name = "Robert'); DROP TABLE users;-- \xe2\x98\x83 " + std::string(1, '\0') + " end";
    REQUIRE(s->add_user(u, std::nullopt));
    CHECK(s->find_user(u.id).value()->name == u.name);
}

constexpr contract_case account_contract[] = {
    {"keeps users", keeps_users},
    {"refuses a second user with the same email and keeps nothing of it",
     refuses_a_second_user_with_the_same_email_and_keeps_nothing_of_it},
    {"lists users oldest first", lists_users_oldest_first},
    {"keeps users without a password", keeps_users_without_a_password},
    {"resets password and key together or not at all", resets_password_and_key_together_or_not_at_all},
    {"keeps keys", keeps_keys},
    {"limits keys that are not revoked", limits_keys_that_are_not_revoked},
    {"revokes keys once and only for their account", revokes_keys_once_and_only_for_their_account},
    {"finds a key by id, for its account only", finds_a_key_by_id_for_its_account_only},
    {"renames keys that are not revoked", renames_keys_that_are_not_revoked},
    {"replaces a key once and never lengthens its life", replaces_a_key_once_and_never_lengthens_its_life},
    {"tells that somebody else changed something", tells_that_somebody_else_changed_something},
    {"records last uses forwards only", records_last_uses_forwards_only},
    {"settles a setting once", settles_a_setting_once},
    {"treats text as data", treats_text_as_data},
};

}  // namespace

std::span<const contract_case> account_cases() {
    return account_contract;
}

}  // namespace instatunnel::store::testing
