#include "catch_outcome.hpp"
#include "contract.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::store::testing {
namespace {

web_session make_session(const user& who, const std::string& id, std::int64_t seen) {
    web_session session;
    session.id = id;
    session.digest = sha256(id);
    session.user_id = who.id;
    session.account_id = who.account_id;
    session.address = "203.0.113.7";
    session.agent = "Browser/1";
    session.created_at = at_second(100);
    session.last_seen_at = at_second(seen);
    session.expires_at = at_second(5000);
    return session;
}

void keeps_web_sessions(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->add_web_session(make_session(ann, "ses_1", 200)));
    REQUIRE(s->add_web_session(make_session(ann, "ses_2", 300)));
    const auto found = source.open()->find_web_session(sha256("ses_1")).value();
    REQUIRE(found);
    CHECK(found->id == "ses_1");
    CHECK(found->agent == "Browser/1");
    CHECK(found->expires_at == at_second(5000));
    REQUIRE(s->touch_web_session("ses_1", at_second(400)));
    REQUIRE(s->touch_web_session("ses_1", at_second(350)));
    const auto all = s->list_web_sessions(ann.id).value();
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == "ses_1");
    CHECK(all[0].last_seen_at == at_second(400));
    CHECK(s->remove_web_session(bob.id, "ses_1").error().code == errc::not_found);
    REQUIRE(s->remove_web_sessions(ann.id, "ses_2"));
    CHECK_FALSE(s->find_web_session(sha256("ses_1")).value());
    REQUIRE(s->purge_web_sessions(at_second(5001)));
    CHECK_FALSE(s->find_web_session(sha256("ses_2")).value());
}

void takes_a_two_factor_code_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    CHECK(s->use_two_factor_step(ann.id, 10).error().code == errc::not_found);
    REQUIRE(s->put_two_factor({ann.id, "sealed", std::nullopt, 0}));
    CHECK_FALSE(s->find_two_factor(ann.id).value()->confirmed_at);
    REQUIRE(s->put_two_factor({ann.id, "sealed again", at_second(7), 0}));
    CHECK(source.open()->find_two_factor(ann.id).value()->sealed_secret == "sealed again");
    CHECK(s->use_two_factor_step(ann.id, 10).value());
    CHECK_FALSE(source.open()->use_two_factor_step(ann.id, 10).value());
    CHECK_FALSE(s->use_two_factor_step(ann.id, 9).value());
    CHECK(s->use_two_factor_step(ann.id, 11).value());
}

void takes_a_recovery_code_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_two_factor({ann.id, "sealed", at_second(7), 0}));
    REQUIRE(s->put_recovery_codes(ann.id, {sha256("a"), sha256("b")}));
    REQUIRE(s->put_recovery_codes(ann.id, {sha256("b"), sha256("c")}));
    CHECK_FALSE(s->use_recovery_code(ann.id, sha256("a")).value());
    CHECK(s->use_recovery_code(ann.id, sha256("b")).value());
    CHECK_FALSE(s->use_recovery_code(ann.id, sha256("b")).value());
    CHECK(source.open()->count_recovery_codes(ann.id).value() == 1);
    REQUIRE(s->remove_two_factor(ann.id));
    CHECK(s->count_recovery_codes(ann.id).value() == 0);
    CHECK_FALSE(s->find_two_factor(ann.id).value());
}

void links_an_outside_identity_to_one_user(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const outside_identity identity{"https://id.example.com", "sub-1", ann.id, "ann@example.com", at_second(5)};
    REQUIRE(s->add_identity(identity));
    auto twin = identity;
    twin.user_id = bob.id;
    CHECK(s->add_identity(twin).error().code == errc::already_exists);
    CHECK(source.open()->find_identity("https://id.example.com", "sub-1").value()->user_id == ann.id);
    CHECK_FALSE(s->find_identity("https://other.example.com", "sub-1").value());
    CHECK(s->list_identities(ann.id).value().size() == 1);
    CHECK(s->remove_identity(bob.id, identity.issuer, identity.subject).error().code == errc::not_found);
    REQUIRE(s->remove_identity(ann.id, identity.issuer, identity.subject));
    CHECK(s->list_identities(ann.id).value().empty());
}

constexpr contract_case session_contract[] = {
    {"keeps web sessions", keeps_web_sessions},
    {"takes a two-factor code once", takes_a_two_factor_code_once},
    {"takes a recovery code once", takes_a_recovery_code_once},
    {"links an outside identity to one user", links_an_outside_identity_to_one_user},
};

}  // namespace

std::span<const contract_case> session_cases() {
    return session_contract;
}

}  // namespace instatunnel::store::testing
