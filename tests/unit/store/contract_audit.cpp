#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

audit_record make_record(std::uint64_t seq, const std::string& account = "acc_ann") {
    audit_record r;
    r.seq = seq;
    r.at = at_second(static_cast<std::int64_t>(1000 + seq));
    r.actor_kind = "key";
    r.actor = "key_one";
    r.account_id = account;
    r.action = "key.created";
    r.target = "key_two";
    r.address = "203.0.113.7";
    r.result = "ok";
    r.detail = R"({"name":"ci"})";
    r.hash = std::string(31, 'h') + static_cast<char>('0' + seq % 10);
    return r;
}

std::vector<std::uint64_t> numbers(const outcome<std::vector<audit_record>>& records) {
    std::vector<std::uint64_t> seqs;
    for (const auto& r : records.value())
        seqs.push_back(r.seq);
    return seqs;
}

void keeps_audit_records(store_source& source) {
    CHECK_FALSE(source.open()->find_last_audit().value());
    auto first = make_record(1);
    first.detail = std::string("{\"x\":\"\xe2\x98\x83\"}") + '\0';
    REQUIRE(source.open()->add_audit(first));
    REQUIRE(source.open()->add_audit(make_record(2)));
    const auto s = source.open();
    CHECK(s->find_last_audit().value()->seq == 2);
    CHECK_FALSE(s->find_audit(3).value());
    const auto found = s->find_audit(1).value();
    REQUIRE(found);
    CHECK(found->at == first.at);
    CHECK(found->actor_kind == "key");
    CHECK(found->actor == "key_one");
    CHECK(found->account_id == "acc_ann");
    CHECK(found->action == "key.created");
    CHECK(found->target == "key_two");
    CHECK(found->address == "203.0.113.7");
    CHECK(found->result == "ok");
    CHECK(found->detail == first.detail);
    CHECK(found->hash == first.hash);
}

void keeps_audit_records_of_every_kind_of_actor(store_source& source) {
    const auto s = source.open();
    std::uint64_t seq = 0;
    for (const auto* kind : {"user", "key", "client", "admin", "system", "anonymous"}) {
        auto record = make_record(++seq);
        record.actor_kind = kind;
        CAPTURE(kind);
        REQUIRE(s->add_audit(record));
        CHECK(s->find_audit(seq).value()->actor_kind == kind);
    }
}

void refuses_a_second_audit_record_of_one_number(store_source& source) {
    const auto s = source.open();
    REQUIRE(s->add_audit(make_record(1)));
    CHECK(s->add_audit(make_record(1, "acc_bob")).error().code == errc::already_exists);
    CHECK(s->find_audit(1).value()->account_id == "acc_ann");
}

void lists_audit_records_that_were_asked_for(store_source& source) {
    const auto s = source.open();
    for (std::uint64_t seq = 1; seq <= 6; ++seq) {
        auto r = make_record(seq, seq % 2 == 0 ? "acc_ann" : "acc_bob");
        if (seq >= 4) r.action = "login.failed";
        if (seq == 6) r.action = "login";
        if (seq == 3) r.actor = "key_other";
        REQUIRE(s->add_audit(r));
    }
    using list = std::vector<std::uint64_t>;
    CHECK(numbers(s->list_audit({})) == list{1, 2, 3, 4, 5, 6});
    audit_filter filter;
    filter.newest_first = true;
    filter.limit = 2;
    CHECK(numbers(s->list_audit(filter)) == list{6, 5});
    filter.before = 5;
    CHECK(numbers(s->list_audit(filter)) == list{4, 3});
    filter = {};
    filter.after = 4;
    CHECK(numbers(s->list_audit(filter)) == list{5, 6});
    filter = {};
    filter.account_id = "acc_ann";
    CHECK(numbers(s->list_audit(filter)) == list{2, 4, 6});
    filter.newest_first = true;
    CHECK(numbers(s->list_audit(filter)) == list{6, 4, 2});
    filter = {};
    filter.action = "login";
    CHECK(numbers(s->list_audit(filter)) == list{4, 5, 6});
    filter.action = "login.failed";
    CHECK(numbers(s->list_audit(filter)) == list{4, 5});
    filter.action = "log";
    CHECK(numbers(s->list_audit(filter)).empty());
    filter = {};
    filter.actor = "key_other";
    CHECK(numbers(s->list_audit(filter)) == list{3});
    filter = {};
    filter.since = at_second(1005);
    CHECK(numbers(s->list_audit(filter)) == list{5, 6});
}

void cuts_audit_records_at_the_old_end_only(store_source& source) {
    const auto s = source.open();
    CHECK(s->find_audit_anchor().value().seq == 0);
    for (std::uint64_t seq = 1; seq <= 4; ++seq)
        REQUIRE(s->add_audit(make_record(seq)));
    REQUIRE(s->cut_audit({2, make_record(2).hash, "seal"}));
    CHECK(numbers(source.open()->list_audit({})) == std::vector<std::uint64_t>{3, 4});
    const auto anchor = source.open()->find_audit_anchor().value();
    CHECK(anchor.seq == 2);
    CHECK(anchor.hash == make_record(2).hash);
    CHECK(anchor.seal == "seal");
}

void notices_a_key_that_is_used_from_a_new_address(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto key = make_key(ann, "ci");
    REQUIRE(s->add_key(key, 10));
    const auto use = [&](const std::string& address, std::int64_t second) {
        const key_address uses[] = {{key.id, address, at_second(second)}, {"key_unknown", address, at_second(second)}};
        return source.open()->record_key_addresses(uses, 2).value().size();
    };
    CHECK(use("203.0.113.1", 1) == 0);  // the first one is where it belongs
    CHECK(use("203.0.113.1", 2) == 0);
    CHECK(use("203.0.113.2", 3) == 1);
    CHECK(use("203.0.113.2", 4) == 0);
    CHECK(use("203.0.113.3", 5) == 1);
    CHECK(use("203.0.113.1", 6) == 1);  // of three, two are kept
    REQUIRE(s->revoke_key(ann.account_id, key.id, at_second(10)));
    REQUIRE(s->purge({at_second(50), at_second(50), at_second(50)}));
    CHECK(use("203.0.113.9", 7) == 0);
}

constexpr contract_case audit_contract[] = {
    {"notices a key that is used from a new address", notices_a_key_that_is_used_from_a_new_address},
    {"keeps audit records", keeps_audit_records},
    {"keeps audit records of every kind of actor", keeps_audit_records_of_every_kind_of_actor},
    {"refuses a second audit record of one number", refuses_a_second_audit_record_of_one_number},
    {"lists audit records that were asked for", lists_audit_records_that_were_asked_for},
    {"cuts audit records at the old end only", cuts_audit_records_at_the_old_end_only},
};

}  // namespace

std::span<const contract_case> audit_cases() {
    return audit_contract;
}

}  // namespace instatunnel::store::testing
