#include "instatunnel/config/legacy_file.hpp"

#include <catch2/catch.hpp>

#include "scratch_folder.hpp"

namespace config = instatunnel::config;

TEST_CASE("the three members of a legacy file are read") {
    const auto found = config::parse_legacy(
        "api_key: it_1234567890abcdef\nemail: user@example.com\nserver_url: https://api.example.com\n");
    CHECK(found.api_key.reveal() == "it_1234567890abcdef");
    CHECK(found.email == "user@example.com");
    CHECK(found.server_url == "https://api.example.com");
}

TEST_CASE("quotes, comments, blanks and line ends of a legacy file do not matter") {
    const auto found = config::parse_legacy(
        "# comment: x\r\napi_key:  \"it_1234567890abcdef\"  # mine\r\n\r\nemail: 'a@b.c'\r\nserver_url: http://x:80 # "
        "old\r\n");
    CHECK(found.api_key.reveal() == "it_1234567890abcdef");
    CHECK(found.email == "a@b.c");
    CHECK(found.server_url == "http://x:80");
}

TEST_CASE("nested members, empty values and noise in a legacy file are left out") {
    const auto found =
        config::parse_legacy("tunnels:\n  api_key: it_aaaaaaaaaaaaaaaa\nemail: \"\"\nserver_url: #x\n:::\n\"open");
    CHECK(found.api_key.empty());
    CHECK(found.email.empty());
    CHECK(found.server_url.empty());
}

TEST_CASE("a missing legacy file is no error, one that is too large is") {
    const instatunnel::test::scratch_folder folder;
    const auto none = config::load_legacy(folder.path() / "none.yaml");
    REQUIRE(none.has_value());
    CHECK_FALSE(none->has_value());

    folder.write("big.yaml", std::string(70'000, '#'));
    const auto big = config::load_legacy(folder.path() / "big.yaml");
    REQUIRE_FALSE(big.has_value());
    CHECK(big.error().code == instatunnel::errc::too_large);
}
