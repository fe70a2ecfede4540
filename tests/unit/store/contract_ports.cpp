#include <set>

#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

port_request ask_port(const user& owner, const std::string& name, wall_time now) {
    port_request r;
    r.account_id = owner.account_id;
    r.name = name;
    r.target = "localhost:5432";
    r.first = 20000;
    r.last = 20002;
    r.now = now;
    return r;
}

port_request ask_port_by_chance(const user& owner, const std::string& name, wall_time now) {
    auto r = ask_port(owner, name, now);
    r.kind = lease_kind::random;
    return r;
}

void keeps_a_port_for_a_name(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->open_tunnel(make_request(ann, "db", at_second(1)), {}));
    const auto port = s->lease_port(ask_port(ann, "db", at_second(1))).value();
    CHECK((port >= 20000 && port <= 20002));
    CHECK(s->lease_port(ask_port(ann, "db", at_second(2))).value() == port);
    CHECK(s->find_tunnel(ann.account_id, "db").value()->port == port);
    CHECK(s->lease_port(ask_port(ann, "other", at_second(3))).value() != port);
}

void gives_what_was_made_up_the_same_port_again(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto port = s->lease_port(ask_port_by_chance(ann, "lucky-cat", at_second(1))).value();
    CHECK(s->lease_port(ask_port_by_chance(ann, "happy-dog", at_second(2))).value() == port);
    auto while_in_use = ask_port_by_chance(ann, "new-bee", at_second(3));
    while_in_use.busy = {port};
    CHECK(s->lease_port(while_in_use).value() != port);
    auto elsewhere = ask_port_by_chance(ann, "odd-fox", at_second(4));
    elsewhere.target = "localhost:6379";
    CHECK(s->lease_port(elsewhere).value() != port);
}

void refuses_ports_that_are_not_to_be_had(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    auto wanted = ask_port(ann, "db", at_second(1));
    wanted.wanted = 20001;
    CHECK(s->lease_port(wanted).value() == 20001);
    auto stolen = ask_port(bob, "db2", at_second(2));
    stolen.wanted = 20001;
    CHECK(s->lease_port(stolen).error().code == errc::name_taken);
    auto outside = ask_port(bob, "db2", at_second(2));
    outside.wanted = 80;
    CHECK(s->lease_port(outside).error().code == errc::forbidden);
    auto own = ask_port(ann, "second", at_second(3));
    own.wanted = 20001;
    own.busy = {20001};
    CHECK(s->lease_port(own).error().code == errc::name_taken);
    own.busy = {};
    CHECK(s->lease_port(own).value() == 20001);
}

void says_when_all_ports_are_taken(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    std::set<std::uint16_t> ports;
    for (const char* name : {"a", "b", "c"}) {
        REQUIRE(s->open_tunnel(make_request(ann, name, at_second(1)), {}));
        ports.insert(
            s->lease_port(ask_port(ann, name, at_second(static_cast<std::int64_t>(ports.size()) + 1))).value());
    }
    CHECK(ports == std::set<std::uint16_t>{20000, 20001, 20002});
    CHECK(s->lease_port(ask_port(bob, "d", at_second(10))).error().code == errc::busy);
    REQUIRE(s->release_name(ann.account_id, "b", at_second(11)));
    CHECK(s->lease_port(ask_port(bob, "d", at_second(12))));
    // One that was out of use for a month goes to somebody else, the oldest first.
    const auto oldest = s->find_tunnel(ann.account_id, "a").value()->port;
    REQUIRE(s->open_tunnel(make_request(bob, "e", at_second(40 * 86400)), {}));
    CHECK(s->lease_port(ask_port(bob, "e", at_second(40 * 86400))).value() == oldest);
    CHECK(s->find_tunnel(bob.account_id, "e").value()->port == oldest);
    CHECK(s->find_tunnel(ann.account_id, "a").value()->port == 0);
}

void bounds_the_ports_of_an_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    auto first = ask_port(ann, "a", at_second(1));
    first.most = 1;
    const auto port = s->lease_port(first).value();
    auto second = ask_port(ann, "b", at_second(2));
    second.most = 1;
    CHECK(s->lease_port(second).error().code == errc::forbidden);
    // What was made up makes room.
    REQUIRE(s->release_name(ann.account_id, "a", at_second(3)).error().code == errc::not_found);
    auto random = ask_port_by_chance(ann, "a", at_second(4));
    random.most = 1;
    CHECK(s->lease_port(random).value() == port);
    CHECK(s->lease_port(second).value() == port);
}

constexpr contract_case port_contract[] = {
    {"keeps a port for a name", keeps_a_port_for_a_name},
    {"gives what was made up the same port again", gives_what_was_made_up_the_same_port_again},
    {"refuses ports that are not to be had", refuses_ports_that_are_not_to_be_had},
    {"says when all ports are taken", says_when_all_ports_are_taken},
    {"bounds the ports of an account", bounds_the_ports_of_an_account},
};

}  // namespace

std::span<const contract_case> port_cases() {
    return port_contract;
}

}  // namespace instatunnel::store::testing
