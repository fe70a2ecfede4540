#include "instatunnel/wire/client_hello.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel::wire;

namespace {

std::string u16(std::size_t n) {
    return {static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)};
}

std::string server_name(const std::string& name, char type = 0) {
    const auto entry = type + u16(name.size()) + name;
    const auto list = u16(entry.size()) + entry;
    return u16(0) + u16(list.size()) + list;
}

std::string message(const std::string& extensions) {
    const auto body = std::string("\x03\x03") + std::string(32, 'r') + '\0' + u16(2) + "\x13\x01" + '\x01' + '\0' +
                      u16(extensions.size()) + extensions;
    return std::string("\x01\0", 2) + u16(body.size()) + body;
}

std::string record(const std::string& content, char type = 22) {
    return type + std::string("\x03\x01") + u16(content.size()) + content;
}

std::string protocols(const std::string& list) {
    return u16(16) + u16(list.size() + 2) + u16(list.size()) + list;
}

std::string some_extension() {
    return u16(43) + u16(3) + "\x02\x03\x04";
}

hello_peek look(const std::string& bytes) {
    static std::string joined;
    return peek_client_hello(bytes, joined);
}

}  // namespace

TEST_CASE("the name of a hello is found, wherever it stands") {
    CHECK(look(record(message(server_name("db.example.com")))).server_name == "db.example.com");
    CHECK(look(record(message(some_extension() + server_name("a.b") + some_extension()))).server_name == "a.b");
    CHECK(look(record(message(some_extension()))).status == hello_status::complete);
    CHECK(look(record(message(some_extension()))).server_name.empty());
    CHECK(look(record(message({}))).server_name.empty());
}

TEST_CASE("the protocols of a hello are found beside its name") {
    const auto hello = look(record(message(protocols("\x02h2\x05itp/1") + server_name("a.b"))));
    CHECK(hello.protocols == "\x02h2\x05itp/1");
    CHECK(hello.server_name == "a.b");
    CHECK(look(record(message(some_extension()))).protocols.empty());
    for (const char* list : {"", "\x03h2", "\x02h2\x01"})
        CHECK(look(record(message(protocols(list)))).status == hello_status::other);
    CHECK(look(record(message(protocols(std::string("\x02h2\0", 4))))).status == hello_status::other);
}

TEST_CASE("a hello that is not whole is waited for") {
    const auto whole = record(message(some_extension() + server_name("db.example.com")));
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(look(whole.substr(0, size)).status == hello_status::incomplete);
    CHECK(look(whole).status == hello_status::complete);
}

TEST_CASE("a hello may span records, and others may follow it") {
    const auto hello = message(server_name("split.example.com"));
    for (std::size_t at = 1; at < hello.size(); ++at)
        CHECK(look(record(hello.substr(0, at)) + record(hello.substr(at))).server_name == "split.example.com");
    CHECK(look(record(hello) + record("early", 23)).server_name == "split.example.com");
}

TEST_CASE("what is no hello, or a broken one, is none") {
    const auto good = message(server_name("x.example.com"));
    for (const auto& bytes : {std::string("GET / HTTP/1.1\r\n"), std::string("SSH-2.0-x"), record(good, 23),
                              std::string("\x16\x02\x01", 3), record("\x02" + good.substr(1)), record({}),
                              record(message(server_name({}))), record(message(server_name(std::string(256, 'x'))))})
        CHECK(look(bytes).status == hello_status::other);
    // Lengths that point past the end, each in turn.
    for (std::size_t at = 4; at < good.size(); ++at) {
        auto broken = good;
        broken[at] = '\xFF';
        CHECK(look(record(broken)).status != hello_status::incomplete);
    }
    CHECK(look(record(std::string("\x01\x00\xFF\xFF", 4) + std::string(16'000, 'x'))).status == hello_status::other);
}

TEST_CASE("a hello has a greatest length") {
    std::string endless = record(std::string("\x01\x00\x3f\xf0", 4));
    while (endless.size() < max_client_hello)
        endless += record(std::string(100, 'x'));
    CHECK(look(endless).status == hello_status::other);
}
