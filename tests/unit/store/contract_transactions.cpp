#include <stdexcept>

#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

void keeps_all_calls_of_one_transaction_or_none(store_source& source) {
    const auto s = source.open();
    const auto ann = make_user("ann");
    const auto failed = s->atomically([&]() -> outcome<void> {
        REQUIRE(s->add_user(ann, std::nullopt));
        REQUIRE(s->add_key(make_key(ann, "first"), 10));
        return errc::busy;
    });
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == errc::busy);
    CHECK_FALSE(source.open()->find_user(ann.id).value());

    REQUIRE(s->atomically([&]() -> outcome<void> {
        REQUIRE(s->add_user(ann, std::nullopt));
        return s->add_key(make_key(ann, "first"), 10);
    }));
    CHECK(source.open()->list_keys(ann.account_id).value().size() == 1);
}

void keeps_nothing_when_a_failed_step_was_passed_over(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto done = s->atomically([&]() -> outcome<void> {
        REQUIRE(s->add_key(make_key(ann, "first"), 10));
        REQUIRE_FALSE(s->add_key(make_key(ann, "first"), 10));
        return {};
    });
    CHECK_FALSE(done);
    CHECK(source.open()->list_keys(ann.account_id).value().empty());
}

void keeps_nothing_when_an_exception_leaves_it(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto body = [&]() -> outcome<void> {
        REQUIRE(s->add_key(make_key(ann, "first"), 10));
        throw std::runtime_error("out of something");
    };
    CHECK_THROWS_AS(s->atomically(body), std::runtime_error);
    CHECK(source.open()->list_keys(ann.account_id).value().empty());
    CHECK(s->add_key(make_key(ann, "second"), 10));
}

constexpr contract_case transaction_contract[] = {
    {"keeps all calls of one transaction or none", keeps_all_calls_of_one_transaction_or_none},
    {"keeps nothing when a failed step was passed over", keeps_nothing_when_a_failed_step_was_passed_over},
    {"keeps nothing when an exception leaves it", keeps_nothing_when_an_exception_leaves_it},
};

}  // namespace

std::span<const contract_case> transaction_cases() {
    return transaction_contract;
}

}  // namespace instatunnel::store::testing
