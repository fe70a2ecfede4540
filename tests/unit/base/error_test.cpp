#include <catch2/catch.hpp>

#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/error.hpp"

using namespace instatunnel;

namespace {

std::vector<errc> every_errc() {
    std::vector<errc> codes;
    // A value past the last one has the row of `internal` and is named like it: the table ends there.
    for (int value = 0;; ++value) {
        const auto code = static_cast<errc>(value);
        if (code_name(code) == "internal" && code != errc::internal) return codes;
        codes.push_back(code);
    }
}

}  // namespace

TEST_CASE("every failure has a text, a hint and a name of its own") {
    std::set<std::string_view> names, messages;
    for (const auto code : every_errc()) {
        INFO(code_name(code));
        CHECK_FALSE(message(code).empty());
        CHECK(hint(code).empty() == (code == errc::ok));
        CHECK(names.insert(code_name(code)).second);
        CHECK(messages.insert(message(code)).second);
        for (const char c : code_name(code))
            CHECK((std::islower(static_cast<unsigned char>(c)) || c == '_'));
    }
    CHECK(names.size() > static_cast<std::size_t>(errc::internal));
}

TEST_CASE("texts are one line, and end without a full stop") {
    for (const auto code : every_errc()) {
        INFO(code_name(code));
        for (const auto text : {message(code), hint(code)}) {
            CHECK(text.find('\n') == std::string_view::npos);
            CHECK_FALSE(text.ends_with('.'));
            CHECK(text.find("  ") == std::string_view::npos);
        }
    }
}

TEST_CASE("exit codes are the promised ones") {
    const std::vector<std::pair<errc, int>> promised = {
        {errc::ok, 0},
        {errc::internal, 1},
        {errc::file_io, 1},
        {errc::usage, 2},
        {errc::malformed_key, 2},
        {errc::malformed_name, 2},
        {errc::malformed_target, 2},
        {errc::not_a_terminal, 2},
        {errc::no_key, 3},
        {errc::invalid_key, 3},
        {errc::expired_key, 3},
        {errc::revoked_key, 3},
        {errc::wrong_password, 3},
        {errc::forbidden, 4},
        {errc::plan_limit, 4},
        {errc::name_not_resolved, 5},
        {errc::server_unreachable, 5},
        {errc::connect_timeout, 5},
        {errc::tls_untrusted, 5},
        {errc::hello_timeout, 5},
        {errc::name_taken, 6},
        {errc::name_reserved, 6},
        {errc::superseded, 6},
        {errc::not_found, 6},
        {errc::rate_limited, 7},
        {errc::target_unreachable, 8},
        {errc::no_target_found, 8},
    };
    for (const auto& [code, exit] : promised) {
        INFO(code_name(code));
        CHECK(static_cast<int>(exit_code_for(code)) == exit);
    }
}

TEST_CASE("only what can mend itself is tried again") {
    for (const auto code : {errc::connection_lost, errc::server_unreachable, errc::rate_limited, errc::hello_timeout})
        CHECK(is_retryable(code));
    for (const auto code : {errc::ok, errc::revoked_key, errc::invalid_key, errc::name_taken, errc::superseded,
                            errc::tls_untrusted, errc::usage, errc::cancelled})
        CHECK_FALSE(is_retryable(code));
}

TEST_CASE("a taken name says the phrase that scripts look for") {
    CHECK(message(errc::name_taken).find("subdomain already taken") != std::string_view::npos);
}

TEST_CASE("a failure's own words replace the table's") {
    CHECK(failure(errc::busy).what() == message(errc::busy));
    CHECK(failure(errc::busy).what_next() == hint(errc::busy));
    const failure own(errc::busy, "what", "next");
    CHECK(own.what() == "what");
    CHECK(own.what_next() == "next");
    CHECK(failure().code == errc::internal);
}

TEST_CASE("codes travel as boost error codes") {
    const boost::system::error_code code = errc::name_taken;
    CHECK(code == make_error_code(errc::name_taken));
    CHECK(code.category() == error_category());
    CHECK(std::string(code.category().name()) == "instatunnel");
    CHECK(code.message() == message(errc::name_taken));
    CHECK_FALSE(boost::system::error_code(errc::ok));
    const result<int> failed = code;
    CHECK(failed.has_error());
}

TEST_CASE("a failure that nobody looked at stops with its text") {
    const outcome<int> failed = failure(errc::busy, "too many cooks");
    CHECK_THROWS_WITH(failed.value(), Catch::Contains("too many cooks"));
}
