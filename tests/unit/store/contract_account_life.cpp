#include "catch_outcome.hpp"
#include "contract.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::store::testing {
namespace {

one_time_token make_token(const user& owner, const std::string& name, token_kind kind = token_kind::password_reset) {
    one_time_token token;
    token.digest = sha256(name);
    token.kind = kind;
    token.user_id = owner.id;
    token.proves_email = true;
    token.created_at = at_second(100);
    token.expires_at = at_second(200);
    return token;
}

void a_new_user_is_enabled_and_not_verified(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    const auto found = source.open()->find_user(ann.id).value();
    CHECK_FALSE(found->disabled);
    CHECK_FALSE(found->verified_at);
    CHECK(found->credit == 0);
}

void keeps_name_plan_and_status(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    const auto s = source.open();
    REQUIRE(s->rename_user(ann.id, "Ann B."));
    REQUIRE(s->set_plan(ann.account_id, "business"));
    REQUIRE(s->disable_user(ann.id, true));
    const auto found = source.open()->find_user(ann.id).value();
    CHECK(found->name == "Ann B.");
    CHECK(found->plan == "business");
    CHECK(found->disabled);
    REQUIRE(s->disable_user(ann.id, false));
    CHECK_FALSE(s->find_user(ann.id).value()->disabled);
    CHECK(s->rename_user("user_x", "x").error().code == errc::not_found);
    CHECK(s->set_plan("acc_x", "pro").error().code == errc::not_found);
    CHECK(s->disable_user("user_x", true).error().code == errc::not_found);
    CHECK(s->verify_email("user_x", at_second(1)).error().code == errc::not_found);
    CHECK(s->remove_user("user_x").error().code == errc::not_found);
    CHECK(s->change_password("user_x", "hash", at_second(1)).error().code == errc::not_found);
}

void tells_with_a_key_what_its_user_may(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    auto key = make_key(ann, "ci");
    key.by_sign_in = true;
    REQUIRE(s->add_key(key, 10));
    CHECK(s->find_key(key.digest).value()->by_sign_in);
    CHECK_FALSE(s->find_key(key.digest).value()->owner_disabled);
    CHECK_FALSE(s->find_key(key.digest).value()->owner_verified);
    REQUIRE(s->disable_user(ann.id, true));
    REQUIRE(s->verify_email(ann.id, at_second(300)));
    CHECK(s->find_key(key.digest).value()->owner_disabled);
    CHECK(s->find_key(key.digest).value()->owner_verified);
}

void verifies_an_email_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_token(make_token(ann, "v", token_kind::email_verification)));
    REQUIRE(s->verify_email(ann.id, at_second(300)));
    REQUIRE(s->verify_email(ann.id, at_second(400)));
    CHECK(s->find_user(ann.id).value()->verified_at == at_second(300));
    CHECK_FALSE(s->find_token(token_kind::email_verification, sha256("v")).value());
}

void a_token_works_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_token(make_token(ann, "one")));
    const auto found = source.open()->find_token(token_kind::password_reset, sha256("one")).value();
    REQUIRE(found);
    CHECK(found->user_id == ann.id);
    CHECK(found->proves_email);
    CHECK(found->expires_at == at_second(200));
    CHECK_FALSE(s->find_token(token_kind::email_verification, sha256("one")).value());
    CHECK(s->take_token(token_kind::email_verification, sha256("one"), at_second(150)).error().code == errc::not_found);
    REQUIRE(s->take_token(token_kind::password_reset, sha256("one"), at_second(150)));
    CHECK(s->take_token(token_kind::password_reset, sha256("one"), at_second(150)).error().code == errc::not_found);
}

void a_token_does_not_work_after_its_time(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_token(make_token(ann, "one")));
    CHECK(s->take_token(token_kind::password_reset, sha256("one"), at_second(200)).error().code == errc::not_found);
}

void a_new_token_kills_the_earlier_ones_of_its_kind_and_user(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->put_token(make_token(ann, "old")));
    REQUIRE(s->put_token(make_token(ann, "verify", token_kind::email_verification)));
    REQUIRE(s->put_token(make_token(bob, "bobs")));
    REQUIRE(s->put_token(make_token(ann, "new")));
    CHECK_FALSE(s->find_token(token_kind::password_reset, sha256("old")).value());
    CHECK(s->find_token(token_kind::password_reset, sha256("new")).value());
    CHECK(s->find_token(token_kind::password_reset, sha256("bobs")).value());
    CHECK(s->find_token(token_kind::email_verification, sha256("verify")).value());
}

void a_password_change_kills_reset_tokens(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_token(make_token(ann, "old")));
    REQUIRE(s->put_token(make_token(ann, "verify", token_kind::email_verification)));
    REQUIRE(s->change_password(ann.id, "new hash", at_second(150)));
    CHECK(s->find_user(ann.id).value()->password_hash == "new hash");
    CHECK_FALSE(s->find_token(token_kind::password_reset, sha256("old")).value());
    CHECK(s->find_token(token_kind::email_verification, sha256("verify")).value());
}

void a_token_of_nobody_cannot_be_used(store_source& source) {
    const auto s = source.open();
    auto token = make_token(user(), "nobody");
    REQUIRE(s->put_token(token));
    CHECK_FALSE(s->find_token(token_kind::password_reset, token.digest).value());
    CHECK(s->take_token(token_kind::password_reset, token.digest, at_second(150)).error().code == errc::not_found);
    CHECK(s->put_token(token));  // the earlier one is gone
}

void revokes_keys_in_groups(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    for (const auto& owner : {ann, bob})
        for (const char* name : {"login", "spare", "ci"}) {
            auto key = make_key(owner, name);
            key.by_sign_in = std::string_view(name) != "ci";
            REQUIRE(s->add_key(key, 10));
        }
    const auto id = [&](const char* name) { return make_key(ann, name).id; };
    CHECK(s->revoke_keys(ann.account_id, key_group::none, "", at_second(300)).value().empty());
    CHECK(s->revoke_keys(ann.account_id, key_group::by_sign_in, id("spare"), at_second(300)).value() ==
          std::vector{id("login")});
    CHECK(s->revoke_keys(ann.account_id, key_group::all, "", at_second(300)).value().size() == 2);
    CHECK(s->revoke_keys(ann.account_id, key_group::all, "", at_second(300)).value().empty());
    CHECK(s->list_keys(bob.account_id).value().size() == 3);
}

void removes_a_user_with_everything(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    REQUIRE(s->open_tunnel(make_request(ann, "demo"), {}));
    REQUIRE(s->put_token(make_token(ann, "one")));
    REQUIRE(s->remove_user(ann.id));
    CHECK_FALSE(s->find_user(ann.id).value());
    CHECK_FALSE(s->find_user_by_email(ann.email).value());
    CHECK_FALSE(s->find_key(key.digest).value());
    CHECK_FALSE(s->find_token(token_kind::password_reset, sha256("one")).value());
    const auto bob = add(*s, "bob");
    CHECK(s->open_tunnel(make_request(bob, "demo"), {}));  // the name is free again
    CHECK(s->add_user(ann, std::nullopt));
}

void replaces_a_setting(store_source& source) {
    REQUIRE(source.open()->put_setting("x", "first"));
    REQUIRE(source.open()->put_setting("x", "second"));
    CHECK(source.open()->find_setting("x").value() == "second");
}

constexpr contract_case account_life_contract[] = {
    {"a new user is enabled and not verified", a_new_user_is_enabled_and_not_verified},
    {"keeps name, plan and status", keeps_name_plan_and_status},
    {"tells with a key what its user may", tells_with_a_key_what_its_user_may},
    {"verifies an email once", verifies_an_email_once},
    {"a token works once", a_token_works_once},
    {"a token does not work after its time", a_token_does_not_work_after_its_time},
    {"a new token kills the earlier ones of its kind and user",
     a_new_token_kills_the_earlier_ones_of_its_kind_and_user},
    {"a password change kills reset tokens", a_password_change_kills_reset_tokens},
    {"a token of nobody cannot be used", a_token_of_nobody_cannot_be_used},
    {"revokes keys in groups", revokes_keys_in_groups},
    {"removes a user with everything", removes_a_user_with_everything},
    {"replaces a setting", replaces_a_setting},
};

}  // namespace

std::span<const contract_case> account_life_cases() {
    return account_life_contract;
}

}  // namespace instatunnel::store::testing
