#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

void lists_names_with_their_owner(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto opened = s->open_tunnel(make_request(ann, "shop", at_second(10)), {}).value();
    auto random = make_request(ann, "made-up", at_second(11));
    random.kind = lease_kind::random;
    REQUIRE(s->open_tunnel(random, {}));
    REQUIRE(s->reserve_name(bob.account_id, "bobs", {}, at_second(12)));

    const auto all = s->list_names("", 10).value();
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "bobs");
    CHECK(all[0].email == "bob@example.com");
    CHECK(all[0].tunnel_id.empty());
    CHECK(all[1].kind == lease_kind::random);
    CHECK(all[2].name == "shop");
    CHECK(all[2].account_id == ann.account_id);
    CHECK(all[2].kind == lease_kind::requested);
    CHECK(all[2].created_at == at_second(10));
    CHECK(all[2].tunnel_id == opened.id);

    CHECK(s->list_names(ann.account_id, 10).value().size() == 2);
    CHECK(s->list_names(ann.account_id, 1).value().size() == 1);
    CHECK(s->find_name("shop").value()->email == "ann@example.com");
    CHECK_FALSE(s->find_name("nothing").value());
    CHECK(s->count_requested_names(ann.account_id).value() == 1);
}

void reserves_a_name_for_one_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->reserve_name(ann.account_id, "shop", {}, at_second(1)));
    CHECK(s->reserve_name(ann.account_id, "shop", {}, at_second(2)));
    CHECK(s->reserve_name(bob.account_id, "shop", {}, at_second(3)).error().code == errc::name_taken);
    CHECK(s->open_tunnel(make_request(bob, "shop"), {}).error().code == errc::name_taken);
    CHECK(s->open_tunnel(make_request(ann, "shop"), {}));
    CHECK(s->reserve_name(ann.account_id, "other", {1, 1}, at_second(4)).error().code == errc::forbidden);
}

void a_released_name_is_free_for_others_and_its_tunnel_is_gone(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto opened = s->open_tunnel(make_request(ann, "shop"), {}).value();
    CHECK(s->release_name(bob.account_id, "shop", at_second(1)).error().code == errc::not_found);
    REQUIRE(s->release_name(ann.account_id, "shop", at_second(2000)));
    CHECK(s->release_name(ann.account_id, "shop", at_second(2001)).error().code == errc::not_found);
    CHECK_FALSE(s->find_tunnel(ann.account_id, opened.id).value());
    CHECK(s->open_tunnel(make_request(bob, "shop"), {}));
}

void keeps_blocked_names(store_source& source) {
    REQUIRE(source.open()->block_name({"bank*", "phishing", at_second(1)}, 2));
    const auto s = source.open();
    REQUIRE(s->block_name({"shop", "", at_second(2)}, 2));
    REQUIRE(s->block_name({"bank*", "fraud", at_second(3)}, 2));  // no third pattern, a new reason
    CHECK(s->block_name({"third", "", at_second(4)}, 2).error().code == errc::forbidden);
    const auto blocked = s->list_blocked_names().value();
    REQUIRE(blocked.size() == 2);
    CHECK(blocked[0].pattern == "bank*");
    CHECK(blocked[0].reason == "fraud");
    CHECK(blocked[0].created_at == at_second(1));
    REQUIRE(s->unblock_name("bank*"));
    CHECK(s->unblock_name("bank*").error().code == errc::not_found);
    CHECK(s->list_blocked_names().value().size() == 1);
}

constexpr contract_case name_contract[] = {
    {"lists names with their owner", lists_names_with_their_owner},
    {"reserves a name for one account", reserves_a_name_for_one_account},
    {"a released name is free for others and its tunnel is gone",
     a_released_name_is_free_for_others_and_its_tunnel_is_gone},
    {"keeps blocked names", keeps_blocked_names},
};

}  // namespace

std::span<const contract_case> name_cases() {
    return name_contract;
}

}  // namespace instatunnel::store::testing
