#include "instatunnel/auth/password.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::auth;

namespace {

constexpr password_cost cheap{64, 1, 1};

}  // namespace

TEST_CASE("the default is argon2id with 64 MiB, three passes and one lane") {
    const auto hash = hash_password(secret("correct horse"), {});
    REQUIRE(hash);
    CHECK(hash->starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
    CHECK(verify_password(secret("correct horse"), *hash));
    CHECK_FALSE(verify_password(secret("correct horsf"), *hash));
}

TEST_CASE("equal passwords have different hashes, and any bytes can be one") {
    const std::string odd("\0\xff line\n", 8);
    const auto a = hash_password(secret(odd), cheap).value();
    const auto b = hash_password(secret(odd), cheap).value();
    CHECK(a != b);
    CHECK(verify_password(secret(odd), a));
    CHECK_FALSE(verify_password(secret(odd.substr(0, 7)), a));
    CHECK_FALSE(verify_password(secret(), a));
}

TEST_CASE("text that is not a hash matches nothing") {
    for (const char* text : {"", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv",
                             "$argon2i$v=19$m=64,t=1,p=1$aW5zdGF0dW5uZWxkZWNveQ$AAAA"})
        CHECK_FALSE(verify_password(secret("x"), text));
}

TEST_CASE("the decoy is a real hash of the same cost that nothing matches") {
    const auto decoy = decoy_hash(cheap);
    const auto real = hash_password(secret("x"), cheap).value();
    CHECK(decoy.size() == real.size());
    CHECK(decoy.substr(0, decoy.find("$aW5z")) == real.substr(0, decoy.find("$aW5z")));
    CHECK_FALSE(verify_password(secret("x"), decoy));
    // A text that the library cannot read would cost nothing: this one makes it compute.
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(verify_password(secret("x"), decoy_hash({65536, 3, 1})));
    CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(20));
}

TEST_CASE("the pool computes beside the caller and counts each computation") {
    std::atomic<int> computations{0};
    password_pool pool({cheap, 2, 32, [&] { ++computations; }});
    std::promise<outcome<std::string>> hashed;
    REQUIRE(pool.hash(secret("x"), [&](outcome<std::string> h) { hashed.set_value(std::move(h)); }));
    const auto hash = hashed.get_future().get().value();
    const auto verify = [&](const char* password, const std::string& against) {
        std::promise<bool> answer;
        REQUIRE(pool.verify(secret(password), against, [&](bool right) { answer.set_value(right); }));
        return answer.get_future().get();
    };
    CHECK(verify("x", hash));
    CHECK_FALSE(verify("y", hash));
    CHECK_FALSE(verify("y", ""));
    CHECK(computations == 4);
}

TEST_CASE("the pool's threads stand behind the caller's for the processor") {
    const int own = ::getpriority(PRIO_PROCESS, 0);
    std::promise<int> seen;
    password_pool pool({cheap, 1, 32, [&] { seen.set_value(::getpriority(PRIO_PROCESS, 0)); }});
    REQUIRE(pool.verify(secret("x"), "", [](bool) {}));
    CHECK(seen.get_future().get() == std::max(own, password_pool::niceness));
    CHECK(::getpriority(PRIO_PROCESS, 0) == own);
}

TEST_CASE("a full pool says busy, and stopping finishes what was taken") {
    std::promise<void> gate;
    auto open = gate.get_future().share();
    std::atomic<int> started{0}, finished{0};
    password_pool pool({cheap, 2, 3, [&] {
                            ++started;
                            open.wait();
                        }});
    int taken = 0;
    const auto submit = [&] { return pool.verify(secret("x"), "", [&](bool) { ++finished; }).has_value(); };
    while (started < 2 && taken < 5)
        taken += submit();
    while (started < 2)
        std::this_thread::yield();
    while (submit())
        ++taken;
    CHECK(taken == 5);
    CHECK(pool.hash(secret("x"), [](const auto&) {}).error().code == errc::busy);
    gate.set_value();
    pool.stop();
    CHECK(finished == 5);
    CHECK_FALSE(submit());
}
