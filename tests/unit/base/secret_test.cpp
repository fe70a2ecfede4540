#include <catch2/catch.hpp>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "instatunnel/base/secret.hpp"

using namespace instatunnel;

namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
    out << value;
};

}  // namespace

// What the type forbids: copies that nobody sees, and every way of printing.
static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(!std::is_convertible_v<std::string, secret> && !std::is_convertible_v<secret, std::string>);
static_assert(!printable<secret>);

TEST_CASE("a secret gives its text to who asks by name") {
    const secret key(std::string("it_1234567890abcdef"));
    CHECK(key.reveal() == "it_1234567890abcdef");
    CHECK_FALSE(key.empty());
    CHECK(secret().empty());
    CHECK(key.clone().reveal() == key.reveal());
}

TEST_CASE("a secret that was moved from is empty, short or long") {
    for (const auto length : {5U, 500U}) {
        secret from(std::string(length, 'k'));
        secret to(std::move(from));
        CHECK(to.reveal() == std::string(length, 'k'));
        CHECK(from.empty());  // NOLINT(bugprone-use-after-move): that is the promise
        secret assigned(std::string("before"));
        assigned = std::move(to);
        CHECK(assigned.reveal() == std::string(length, 'k'));
        CHECK(to.empty());  // NOLINT(bugprone-use-after-move)
    }
}

TEST_CASE("a short secret that was moved from leaves nothing in the old object") {
    secret from(std::string("hunter2"));
    const char* const place = from.reveal().data();
    const secret to(std::move(from));
    REQUIRE(to.reveal().data() != place);
    for (int i = 0; i < 7; ++i)
        CHECK(place[i] == '\0');
}

TEST_CASE("a secret assigned to itself stays") {
    secret key(std::string("hunter2"));
    auto& same = key;
    key = std::move(same);
    CHECK(key.reveal() == "hunter2");
}

TEST_CASE("constant-time comparison compares length and content") {
    CHECK(constant_time_equal("", ""));
    CHECK(constant_time_equal("abc", "abc"));
    CHECK_FALSE(constant_time_equal("abc", "abd"));
    CHECK_FALSE(constant_time_equal("abc", "ab"));
}

TEST_CASE("the display form of a key shows its last three characters only") {
    CHECK(mask_key("it_1234567890abcdef") == "it_***...def");
    CHECK(mask_key("it_abc") == "it_***...***");
    CHECK(mask_key("") == "it_***...***");
}
