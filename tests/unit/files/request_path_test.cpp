#include "files/request_path.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/base/form.hpp"

using namespace instatunnel::files;
using namespace std::string_view_literals;

namespace {

std::string file_of(std::string_view target) {
    request_path path;
    REQUIRE(decode_path(target, path) == path_verdict::good);
    return path.file;
}

path_verdict path_verdict_of(std::string_view target) {
    request_path path;
    return decode_path(target, path);
}

}  // namespace

TEST_CASE("a path is decoded once, in segments, without its query") {
    CHECK(file_of("/").empty());
    CHECK(file_of("/a.txt") == "a.txt");
    CHECK(file_of("/a/b%20c.txt?x=/../y") == "a/b c.txt");
    CHECK(file_of("/%e2%82%ac") == "\xe2\x82\xac");
    CHECK(file_of("/%ff") == "\xff");
    CHECK(file_of("/%252e%252e/x") == "%2e%2e/x");
    CHECK(file_of("/a+b") == "a+b");
    CHECK(file_of("/a\\..\\b") == "a\\..\\b");
    CHECK(file_of("/%3Fx") == "?x");
}

TEST_CASE("empty segments of a path count for nothing") {
    CHECK(file_of("//a///b") == "a/b");
    CHECK(file_of("///").empty());
    CHECK(file_of("//host/x") == "host/x");
}

TEST_CASE("a path that climbs is malformed however it is written") {
    for (const auto target : {"/..", "/../", "/a/../b", "/%2e%2e/", "/.%2e", "/%2E./x", "/.", "/./a", "/a/%2e",
                              "/a/b/..", "/..?x", "/%2f/..", "/a%2fb/.."})
        CHECK(path_verdict_of(target) == path_verdict::malformed);
}

TEST_CASE("a path with NUL or broken percent-encoding is malformed") {
    for (const auto target : {"/%00"sv, "/a%00.txt"sv, "/a\0b"sv, "/%"sv, "/%4"sv, "/%zz"sv, "/%4/1"sv, "/a%2"sv, ""sv,
                              "a"sv, "*"sv, "?x"sv, "http://h/x"sv})
        CHECK(path_verdict_of(target) == path_verdict::malformed);
}

TEST_CASE("an encoded slash never parts segments") {
    for (const auto target : {"/a%2fb", "/%2F", "/%2fetc%2fpasswd", "/..%2f..%2fetc/passwd"})
        CHECK(path_verdict_of(target) == path_verdict::absent);
}

TEST_CASE("names with a leading dot are hidden, but not what is meant to be well known") {
    const auto is_hidden = [](std::string_view target) {
        request_path path;
        REQUIRE(decode_path(target, path) == path_verdict::good);
        return path.is_hidden;
    };
    CHECK(is_hidden("/.env"));
    CHECK(is_hidden("/%2eenv"));
    CHECK(is_hidden("/.git/config"));
    CHECK(is_hidden("/a/.b/c"));
    CHECK(is_hidden("/..."));
    CHECK(is_hidden("/a/.well-known/x"));
    CHECK(is_hidden("/.well-known/.secret"));
    CHECK(is_hidden("/.well-known2"));
    CHECK_FALSE(is_hidden("/.well-known/security.txt"));
    CHECK_FALSE(is_hidden("/a.b/c."));
}

TEST_CASE("what tells a route from a file is an extension") {
    request_path path;
    decode_path("/users/7", path);
    CHECK_FALSE(path.has_extension);
    decode_path("/v1.2/users/", path);
    CHECK_FALSE(path.has_extension);
    CHECK(path.wants_directory);
    decode_path("/logo.png", path);
    CHECK(path.has_extension);
    CHECK_FALSE(path.wants_directory);
}

TEST_CASE("a name in a link comes back as the same name") {
    std::string every_byte;
    for (int c = 1; c < 256; ++c)
        if (c != '/') every_byte += static_cast<char>(c);
    const auto link = "/" + instatunnel::percent_encode(every_byte);
    CHECK(file_of(link) == every_byte);
    CHECK(link.find_first_of("\"'<>& :\\") == std::string::npos);
}
