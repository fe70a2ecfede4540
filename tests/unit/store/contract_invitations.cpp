#include "catch_outcome.hpp"
#include "contract.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::store::testing {
namespace {

invitation make_invitation(const std::string& name, const std::string& account = "") {
    invitation i;
    i.id = "inv_" + name;
    i.code_digest = sha256(name);
    i.inviter_account_id = account;
    i.created_at = at_second(100);
    i.expires_at = at_second(1000);
    return i;
}

void keeps_invitations(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    auto made = make_invitation("a", ann.account_id);
    made.plan = "business";
    made.credit = 7;
    made.inviter_plan = "free";
    made.inviter_credit = 9;
    made.uses_allowed = 3;
    REQUIRE(source.open()->add_invitation(made, 3));
    const auto found = source.open()->find_invitation(made.code_digest).value();
    REQUIRE(found);
    CHECK(found->id == "inv_a");
    CHECK(found->inviter_account_id == ann.account_id);
    CHECK(found->inviter_email == ann.email);
    CHECK(found->plan == "business");
    CHECK(found->credit == 7);
    CHECK(found->inviter_plan == "free");
    CHECK(found->inviter_credit == 9);
    CHECK(found->uses_allowed == 3);
    CHECK(found->uses == 0);
    CHECK(found->expires_at == at_second(1000));
    CHECK_FALSE(source.open()->find_invitation(sha256("b")).value());
}

void using_one_notes_who_brought_whom_and_gives_both_their_share(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    auto made = make_invitation("a", ann.account_id);
    made.plan = "business";
    made.credit = 7;
    made.inviter_credit = 9;
    REQUIRE(s->add_invitation(made, 10));
    REQUIRE(s->use_invitation(made.code_digest, bob.account_id, at_second(500)));
    CHECK(s->find_user(bob.id).value()->credit == 7);
    CHECK(s->find_user(bob.id).value()->plan == "business");
    CHECK(s->find_user(ann.id).value()->credit == 9);
    CHECK(s->find_user(ann.id).value()->plan == "pro");
    const auto by = s->find_referral(bob.account_id).value();
    REQUIRE(by);
    CHECK(by->inviter_email == ann.email);
    CHECK(by->invitation_id == "inv_a");
    const auto came = s->list_referrals(ann.account_id).value();
    REQUIRE(came.size() == 1);
    CHECK(came[0].email == bob.email);
    CHECK_FALSE(s->find_referral(ann.account_id).value());
}

void one_works_as_often_as_it_says(store_source& source) {
    const auto s = source.open();
    const auto made = make_invitation("a");
    REQUIRE(s->add_invitation(made, 0));
    const auto bob = add(*s, "bob");
    const auto eve = add(*s, "eve");
    REQUIRE(s->use_invitation(made.code_digest, bob.account_id, at_second(500)));
    CHECK(s->use_invitation(made.code_digest, eve.account_id, at_second(500)).error().code == errc::not_found);
    CHECK_FALSE(s->find_referral(eve.account_id).value());
}

void one_that_was_revoked_or_has_expired_does_not_work(store_source& source) {
    const auto s = source.open();
    const auto bob = add(*s, "bob");
    REQUIRE(s->add_invitation(make_invitation("a"), 0));
    REQUIRE(s->add_invitation(make_invitation("b"), 0));
    REQUIRE(s->revoke_invitation(std::nullopt, "inv_b", at_second(400)));
    CHECK(s->use_invitation(sha256("a"), bob.account_id, at_second(1000)).error().code == errc::not_found);
    CHECK(s->use_invitation(sha256("b"), bob.account_id, at_second(500)).error().code == errc::not_found);
    CHECK(s->use_invitation(sha256("c"), bob.account_id, at_second(500)).error().code == errc::not_found);
    CHECK(s->list_invitations(std::nullopt, at_second(500)).value().size() == 1);
    CHECK(s->list_invitations(std::nullopt, at_second(1000)).value().empty());
}

void an_account_brings_in_so_many_and_no_more(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    auto two = make_invitation("two", ann.account_id);
    two.uses_allowed = 2;
    REQUIRE(s->add_invitation(two, 3));
    CHECK(s->add_invitation(make_invitation("x", bob.account_id), 3));
    auto more = make_invitation("more", ann.account_id);
    more.uses_allowed = 2;
    CHECK(s->add_invitation(more, 3).error().code == errc::forbidden);
    REQUIRE(s->use_invitation(two.code_digest, bob.account_id, at_second(200)));
    REQUIRE(s->revoke_invitation(ann.account_id, two.id, at_second(300)));
    CHECK(s->add_invitation(more, 3));  // one of the two uses came free again
    CHECK(s->add_invitation(make_invitation("last", ann.account_id), 3).error().code == errc::forbidden);
}

void only_its_account_revokes_one(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->add_invitation(make_invitation("a", ann.account_id), 3));
    CHECK(s->revoke_invitation(bob.account_id, "inv_a", at_second(300)).error().code == errc::not_found);
    CHECK(s->list_invitations(bob.account_id, at_second(300)).value().empty());
    CHECK(s->list_invitations(ann.account_id, at_second(300)).value().size() == 1);
    REQUIRE(s->revoke_invitation(ann.account_id, "inv_a", at_second(300)));
    CHECK(s->revoke_invitation(ann.account_id, "inv_a", at_second(300)).error().code == errc::not_found);
}

void an_inviter_that_is_gone_leaves_who_came(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    auto made = make_invitation("a", ann.account_id);
    made.uses_allowed = 2;
    REQUIRE(s->add_invitation(made, 3));
    REQUIRE(s->use_invitation(made.code_digest, bob.account_id, at_second(200)));
    REQUIRE(s->remove_user(ann.id));
    CHECK_FALSE(s->find_invitation(made.code_digest).value());
    const auto by = s->find_referral(bob.account_id).value();
    REQUIRE(by);
    CHECK(by->inviter_email.empty());
}

constexpr contract_case invitation_contract[] = {
    {"keeps invitations", keeps_invitations},
    {"using one notes who brought whom and gives both their share",
     using_one_notes_who_brought_whom_and_gives_both_their_share},
    {"one works as often as it says", one_works_as_often_as_it_says},
    {"one that was revoked or has expired does not work", one_that_was_revoked_or_has_expired_does_not_work},
    {"an account brings in so many and no more", an_account_brings_in_so_many_and_no_more},
    {"only its account revokes one", only_its_account_revokes_one},
    {"an inviter that is gone leaves who came", an_inviter_that_is_gone_leaves_who_came},
};

}  // namespace

std::span<const contract_case> invitation_cases() {
    return invitation_contract;
}

}  // namespace instatunnel::store::testing
