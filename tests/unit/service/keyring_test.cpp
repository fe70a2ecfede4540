#include "service/keyring.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::service;

namespace {

struct ring {
    test::temporary_folder folder;
    std::unique_ptr<store::store> data = store::open_sqlite(folder.path()).value();
    std::chrono::seconds moved{0};
    tuning settings;
    const secret pepper{std::string(32, 'p')};
    keyring keys{*data, pepper, settings};

    ring() {
        settings.steady = [this] { return auth::steady_time(std::chrono::hours(1) + moved); };
        store::user owner;
        owner.id = "user_ann";
        owner.account_id = "acc_ann";
        owner.email = "ann@example.com";
        owner.name = "ann";
        owner.plan = "pro";
        REQUIRE(data->add_user(owner, std::nullopt));
    }
    made_key issue() { return keys.issue("acc_ann", "user_ann", {"key", {"tunnels:read"}, std::nullopt}).value(); }
    // Behind the keyring's back.
    void revoke(const made_key& made) { REQUIRE(data->revoke_key("acc_ann", made.record.id, wall_now())); }
};

}  // namespace

TEST_CASE("a key that was found good is believed without the store for 30 seconds") {
    ring r;
    const auto made = r.issue();
    REQUIRE(r.keys.check(made.key.reveal()));
    r.revoke(made);
    r.moved = std::chrono::seconds(29);
    CHECK(r.keys.check(made.key.reveal()));
    r.moved = std::chrono::seconds(30);
    CHECK(r.keys.check(made.key.reveal()).error().code == errc::revoked_key);
}

TEST_CASE("what was remembered goes at once when somebody else changed the store") {
    ring r;
    const auto made = r.issue();
    REQUIRE(r.keys.check(made.key.reveal()));
    r.revoke(made);
    r.keys.forget_all();
    CHECK(r.keys.check(made.key.reveal()).error().code == errc::revoked_key);
}

TEST_CASE("a rotation that fails changes nothing") {
    ring r;
    const auto made = r.issue();
    for (std::uint64_t i = 1; i < max_keys_per_account; ++i)
        r.issue();
    const auto rotated = r.keys.rotate(made.record, std::chrono::seconds(60));
    REQUIRE_FALSE(rotated);
    CHECK(rotated.error().code == errc::forbidden);
    const auto old = r.data->find_key(made.record.digest).value();
    CHECK_FALSE(old->replaced_by);
    CHECK_FALSE(old->expires_at);
    CHECK(r.keys.rotate(made.record, std::chrono::seconds(0)));
}
