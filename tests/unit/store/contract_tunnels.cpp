#include <thread>

#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

tunnel_request random_request(const user& owner, const std::string& name, const std::string& instance,
                              std::int64_t second) {
    auto request = make_request(owner, name, at_second(second));
    request.kind = lease_kind::random;
    request.instance = instance;
    return request;
}

void opens_a_tunnel_and_finds_it_again(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    const auto request = make_request(ann, "demo");
    const auto opened = source.open()->open_tunnel(request, {}).value();
    CHECK(opened.id == request.id);
    CHECK(opened.account_id == ann.account_id);
    CHECK(opened.name == "demo");
    CHECK(opened.target == "localhost:3000");
    CHECK(opened.created_at == request.now);
    CHECK(opened.connected_at == request.now);
    const auto s = source.open();
    CHECK(s->find_tunnel(ann.account_id, "demo").value()->id == request.id);
    CHECK(s->find_tunnel(ann.account_id, request.id).value()->name == "demo");
    CHECK_FALSE(s->find_tunnel("acc_other", "demo").value());
    CHECK(s->find_usage(ann.account_id).value().tunnels_created == 1);
}

void a_tunnel_has_a_number_of_its_own_for_life(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto demo = s->open_tunnel(make_request(ann, "demo"), {}).value();
    const auto shop = s->open_tunnel(make_request(ann, "shop"), {}).value();
    CHECK(demo.number != 0);
    CHECK(demo.number != shop.number);
    CHECK(source.open()->find_tunnel_by_number(demo.number).value()->id == demo.id);
    CHECK_FALSE(s->find_tunnel_by_number(demo.number + 1).value());
    CHECK(s->find_tunnel_by_name("shop").value()->id == shop.id);
    CHECK(s->open_tunnel(make_request(ann, "demo"), {}).value().number == demo.number);
    REQUIRE(s->remove_tunnel(ann.account_id, demo.id, at_second(3)));
    CHECK_FALSE(s->find_tunnel_by_number(demo.number).value());
    CHECK_FALSE(s->find_tunnel_by_name("demo").value());
}

void a_tunnel_keeps_what_it_was_made_with(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    auto request = make_request(ann, "demo");
    request.access = std::string("\0sealed", 7);
    CHECK(s->create_tunnel(request, {}).value().access == request.access);
    auto reopened = make_request(ann, "demo");
    reopened.target.clear();
    const auto opened = s->open_tunnel(reopened, {}).value();
    CHECK(opened.access == request.access);
    CHECK(opened.target == request.target);
    REQUIRE(s->change_tunnel(opened.id, "localhost:1", "other"));
    CHECK(s->find_tunnel(ann.account_id, "demo").value()->access == "other");
    CHECK(s->change_tunnel("tun_none", "", "").error().code == errc::not_found);
}

void tunnels_without_an_account_are_counted_and_end(store_source& source) {
    const auto s = source.open();
    CHECK(s->count_anonymous("net").value().in_total == 0);
    tunnel_request request;
    request.account_id = anonymous_account;
    request.kind = lease_kind::random;
    request.now = at_second(1);
    for (const char* name : {"one", "two", "three"}) {
        request.id = std::string("tun_") + name;
        request.name = name;
        request.made_from = request.name == "three" ? "other" : "net";
        request.expires_at = at_second(request.name == "one" ? 100 : 200);
        REQUIRE(s->create_tunnel(request, {}));
    }
    CHECK(s->count_anonymous("net").value().from_address == 2);
    CHECK(s->count_anonymous("net").value().in_total == 3);
    CHECK(s->list_expired_tunnels(at_second(100)).value().empty());
    REQUIRE(s->list_expired_tunnels(at_second(101)).value().size() == 1);
    CHECK(s->list_expired_tunnels(at_second(101)).value()[0].name == "one");
    const std::string ids[] = {"tun_one", "tun_none"};
    REQUIRE(s->renew_tunnels(ids, at_second(300)));
    CHECK(s->list_expired_tunnels(at_second(250)).value().size() == 2);
    REQUIRE(s->release_name(anonymous_account, "two", at_second(250)));
    CHECK(s->count_anonymous("net").value().from_address == 1);
}

void opening_again_keeps_the_tunnel_and_takes_the_new_target(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto first = s->open_tunnel(make_request(ann, "demo", at_second(1)), {}).value();
    auto request = make_request(ann, "demo", at_second(2));
    request.target = "localhost:4000";
    const auto second = s->open_tunnel(request, {}).value();
    CHECK(second.id == first.id);
    CHECK(second.target == "localhost:4000");
    CHECK(second.created_at == at_second(1));
    CHECK(second.connected_at == at_second(2));
    CHECK(s->find_usage(ann.account_id).value().tunnels_created == 1);
}

void a_name_belongs_to_the_first_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto opened = s->open_tunnel(make_request(ann, "demo"), {}).value();
    const auto refused = s->open_tunnel(make_request(bob, "demo"), {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::name_taken);
    CHECK(refused.error().what() == "subdomain already taken: \"demo\" belongs to another account");
    REQUIRE(s->remove_tunnel(ann.account_id, opened.id, at_second(2000)));
    CHECK(s->create_tunnel(make_request(bob, "demo"), {}).error().code == errc::name_taken);
    CHECK(s->open_tunnel(make_request(ann, "demo"), {}));
}

void two_connections_cannot_both_get_a_name(store_source& source) {
    const auto ann = add(*source.open(), "ann");
    const auto bob = add(*source.open(), "bob");
    constexpr int names = 25;
    int won_by_ann = 0, won_by_bob = 0, other = 0;
    const auto fight = [&](const user& who, int& won, int& failed) {
        const auto s = source.open();
        for (int i = 0; i < names; ++i) {
            auto request = make_request(who, "n" + std::to_string(i));
            request.id = "tun_" + who.name + std::to_string(i);
            const auto opened = s->open_tunnel(request, {});
            if (opened) ++won;
            if (!opened && opened.error().code != errc::name_taken) ++failed;
        }
    };
    int other_of_bob = 0;
    std::thread rival([&] { fight(bob, won_by_bob, other_of_bob); });
    fight(ann, won_by_ann, other);
    rival.join();
    CHECK(won_by_ann + won_by_bob == names);
    CHECK(other + other_of_bob == 0);
    const auto s = source.open();
    CHECK(s->list_tunnels(ann.account_id, 100).value().size() == static_cast<std::size_t>(won_by_ann));
    CHECK(s->list_tunnels(bob.account_id, 100).value().size() == static_cast<std::size_t>(won_by_bob));
}

void creates_a_tunnel_for_later_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto created = s->create_tunnel(make_request(ann, "demo"), {}).value();
    CHECK_FALSE(created.connected_at);
    CHECK(s->create_tunnel(make_request(ann, "demo"), {}).error().code == errc::already_exists);
    CHECK(s->open_tunnel(make_request(ann, "demo"), {}).value().id == created.id);
    CHECK(s->find_usage(ann.account_id).value().tunnels_created == 1);
}

void remembers_the_random_name_of_an_instance(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->open_tunnel(random_request(ann, "alpha", "i1", 1), {}));
    REQUIRE(s->open_tunnel(random_request(ann, "beta", "i2", 2), {}));
    CHECK(s->find_random_name(ann.account_id, "i1").value() == "alpha");
    CHECK(s->find_random_name(ann.account_id, "i2").value() == "beta");
    CHECK_FALSE(s->find_random_name(ann.account_id, "i3").value());
    CHECK_FALSE(s->find_random_name(bob.account_id, "i1").value());
}

void limits_requested_names(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const name_limits two{2, 2};
    REQUIRE(s->open_tunnel(make_request(ann, "one"), two));
    REQUIRE(s->open_tunnel(make_request(ann, "two"), two));
    CHECK(s->open_tunnel(make_request(ann, "three"), two).error().code == errc::forbidden);
    CHECK(s->open_tunnel(make_request(ann, "two"), two));
    REQUIRE(s->open_tunnel(random_request(ann, "four", "i", 1), two));
    CHECK(s->open_tunnel(make_request(ann, "four"), two).error().code == errc::forbidden);
}

void gives_up_the_random_name_unused_longest(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const name_limits two{2, 2};
    REQUIRE(s->open_tunnel(random_request(ann, "one", "i1", 1), two));
    REQUIRE(s->open_tunnel(random_request(ann, "two", "i2", 2), two));
    REQUIRE(s->open_tunnel(random_request(ann, "one", "i1", 3), two));
    REQUIRE(s->open_tunnel(random_request(ann, "three", "i3", 4), two));
    CHECK(s->find_tunnel(ann.account_id, "one").value());
    CHECK_FALSE(s->find_tunnel(ann.account_id, "two").value());
    CHECK(s->open_tunnel(make_request(bob, "two"), two));
    CHECK(s->open_tunnel(make_request(bob, "one"), two).error().code == errc::name_taken);
}

void lists_tunnels_last_used_first(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->open_tunnel(make_request(ann, "old", at_second(1)), {}));
    REQUIRE(s->open_tunnel(make_request(ann, "new", at_second(3)), {}));
    REQUIRE(s->create_tunnel(make_request(ann, "later", at_second(2)), {}));
    const auto all = s->list_tunnels(ann.account_id, 10).value();
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "new");
    CHECK(all[1].name == "later");
    CHECK(all[2].name == "old");
    CHECK(s->list_tunnels(ann.account_id, 1).value().size() == 1);
    CHECK(s->list_tunnels("acc_other", 10).value().empty());
}

void removes_a_tunnel_of_the_account_only(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    const auto opened = s->open_tunnel(make_request(ann, "demo"), {}).value();
    CHECK(s->remove_tunnel(bob.account_id, opened.id, at_second(5)).error().code == errc::not_found);
    REQUIRE(s->remove_tunnel(ann.account_id, opened.id, at_second(5)));
    CHECK(s->remove_tunnel(ann.account_id, opened.id, at_second(6)).error().code == errc::not_found);
    CHECK_FALSE(s->find_tunnel(ann.account_id, "demo").value());
    CHECK(s->list_tunnels(ann.account_id, 10).value().empty());
}

void adds_usage_to_tunnel_and_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto demo = s->open_tunnel(make_request(ann, "demo"), {}).value();
    const auto other = s->open_tunnel(make_request(ann, "other"), {}).value();
    const usage_delta first[] = {{demo.id, 1, 10, 100}, {other.id, 2, 20, 200}, {"tun_unknown", 9, 9, 9}};
    REQUIRE(s->add_usage(first));
    REQUIRE(s->remove_tunnel(ann.account_id, other.id, at_second(5)));
    const usage_delta second[] = {{demo.id, 1, 1, 5'000'000'000}, {other.id, 1, 0, 0}};
    REQUIRE(s->add_usage(second));
    const auto found = source.open()->find_tunnel(ann.account_id, "demo").value();
    CHECK(found->requests == 2);
    CHECK(found->bytes_in == 11);
    CHECK(found->bytes_out == 5'000'000'100);
    const auto usage = source.open()->find_usage(ann.account_id).value();
    CHECK(usage.tunnels_created == 2);
    CHECK(usage.requests == 5);
    CHECK(usage.bytes_in == 31);
    CHECK(usage.bytes_out == 5'000'000'300);
}

void purges_what_nobody_can_ask_for(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->open_tunnel(random_request(ann, "idle", "i1", 10), {}));
    const auto live = s->open_tunnel(random_request(ann, "live", "i2", 10), {}).value();
    REQUIRE(s->open_tunnel(make_request(ann, "mine", at_second(10)), {}));
    auto revoked = make_key(ann, "revoked"), expired = make_key(ann, "expired"), good = make_key(ann, "good");
    expired.expires_at = at_second(10);
    for (const auto& key : {revoked, expired, good})
        REQUIRE(s->add_key(key, 10));
    REQUIRE(s->revoke_key(ann.account_id, revoked.id, at_second(10)));

    const std::string connected[] = {live.id};
    REQUIRE(s->touch_names(connected, at_second(100)));
    REQUIRE(s->purge({at_second(50), at_second(50), at_second(50)}));
    CHECK_FALSE(s->find_tunnel(ann.account_id, "idle").value());
    CHECK(s->open_tunnel(make_request(bob, "idle"), {}));
    CHECK(s->open_tunnel(make_request(bob, "live"), {}).error().code == errc::name_taken);
    CHECK(s->open_tunnel(make_request(bob, "mine"), {}).error().code == errc::name_taken);
    CHECK_FALSE(s->find_key(revoked.digest).value());
    CHECK_FALSE(s->find_key(expired.digest).value());
    CHECK(s->find_key(good.digest).value());
}

void a_random_name_that_is_asked_for_by_name_stays(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->open_tunnel(random_request(ann, "alpha", "i1", 10), {}));
    REQUIRE(s->open_tunnel(make_request(ann, "alpha", at_second(11)), {}));
    REQUIRE(s->open_tunnel(random_request(ann, "alpha", "i1", 12), {}));
    REQUIRE(s->purge({at_second(50), at_second(50), at_second(50)}));
    CHECK(s->find_tunnel(ann.account_id, "alpha").value());
}

constexpr contract_case tunnel_contract[] = {
    {"opens a tunnel and finds it again", opens_a_tunnel_and_finds_it_again},
    {"a tunnel has a number of its own for life", a_tunnel_has_a_number_of_its_own_for_life},
    {"a tunnel keeps what it was made with", a_tunnel_keeps_what_it_was_made_with},
    {"tunnels without an account are counted and end", tunnels_without_an_account_are_counted_and_end},
    {"opening again keeps the tunnel and takes the new target",
     opening_again_keeps_the_tunnel_and_takes_the_new_target},
    {"a name belongs to the first account", a_name_belongs_to_the_first_account},
    {"two connections cannot both get a name", two_connections_cannot_both_get_a_name},
    {"creates a tunnel for later once", creates_a_tunnel_for_later_once},
    {"remembers the random name of an instance", remembers_the_random_name_of_an_instance},
    {"limits requested names", limits_requested_names},
    {"gives up the random name unused longest", gives_up_the_random_name_unused_longest},
    {"lists tunnels last used first", lists_tunnels_last_used_first},
    {"removes a tunnel of the account only", removes_a_tunnel_of_the_account_only},
    {"adds usage to tunnel and account", adds_usage_to_tunnel_and_account},
    {"purges what nobody can ask for", purges_what_nobody_can_ask_for},
    {"a random name that is asked for by name stays", a_random_name_that_is_asked_for_by_name_stays},
};

}  // namespace

std::span<const contract_case> tunnel_cases() {
    return tunnel_contract;
}

}  // namespace instatunnel::store::testing
