#include <netdb.h>
#include <netinet/in.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "instatunnel/net/resolver.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;
using net::resolve;
using net::socket_address;

namespace {

auto in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

socket_address address_of(int family) {
    socket_address address;
    address.storage.ss_family = static_cast<sa_family_t>(family);
    address.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    return address;
}

int must_not_be_asked(const std::string&, std::uint16_t, std::vector<socket_address>&) {
    FAIL("a resolver was asked");
    return EAI_FAIL;
}

/// Lookups that hang until the gate opens; shared with the threads that were abandoned.
struct gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int finished = 0;

    int pass() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return open; });
        ++finished;
        changed.notify_all();
        return EAI_AGAIN;
    }
    void release(int expected) {
        std::unique_lock lock(mutex);
        open = true;
        changed.notify_all();
        changed.wait(lock, [&] { return finished == expected; });
    }
};

}  // namespace

TEST_CASE("localhost and names below it are loopback without a resolver", "[dial]") {
    const auto host =
        GENERATE(as<std::string>{}, "localhost", "LocalHost", "localhost.", "demo.localhost", "a.b.localhost.");
    const auto found = resolve(host, 8443, in(1s), must_not_be_asked);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 2);
    CHECK((*found)[0].family() == AF_INET);
    CHECK((*found)[1].family() == AF_INET6);
    CHECK(ntohs(reinterpret_cast<const sockaddr_in&>((*found)[0].storage).sin_port) == 8443);
}

TEST_CASE("addresses need no resolver", "[dial]") {
    CHECK(resolve("127.0.0.1", 1, in(1s), must_not_be_asked)->front().family() == AF_INET);
    CHECK(resolve("::1", 1, in(1s), must_not_be_asked)->front().family() == AF_INET6);
}

TEST_CASE("the system's lookup gives addresses with the port in them", "[dial]") {
    std::vector<socket_address> found;
    REQUIRE(net::system_lookup("localhost", 8443, found) == 0);
    REQUIRE(!found.empty());
    // The port lies at the same place in the addresses of both families.
    CHECK(ntohs(reinterpret_cast<const sockaddr_in&>(found.front().storage).sin_port) == 8443);
}

TEST_CASE("a host that cannot be a name never reaches a resolver", "[dial]") {
    const auto host = GENERATE(as<std::string>{}, "", ".", "a..b", "a b", "a/b", "[::1]", std::string("a\0b", 3),
                               std::string(64, 'a'), std::string(300, 'a'));
    const auto found = resolve(host, 1, in(1s), must_not_be_asked);
    REQUIRE(found.has_error());
    CHECK(found.error().code == errc::name_not_resolved);
    CHECK(found.error().detail == "The host name is not valid");
}

TEST_CASE("families alternate and the resolver's first choice stays first", "[dial]") {
    const auto lookup = [](const std::string&, std::uint16_t, std::vector<socket_address>& out) {
        out = {address_of(AF_INET6), address_of(AF_INET6), address_of(AF_INET6), address_of(AF_INET)};
        return 0;
    };
    const auto found = resolve("edge.test", 1, in(5s), lookup);
    REQUIRE(found.has_value());
    std::vector<int> families;
    for (const auto& address : *found)
        families.push_back(address.family());
    CHECK(families == std::vector<int>{AF_INET6, AF_INET, AF_INET6, AF_INET6});
}

TEST_CASE("a name that does not exist is said with the name", "[dial]") {
    const auto found = resolve("edge.test", 1, in(5s), [](auto&&...) { return EAI_NONAME; });
    REQUIRE(found.has_error());
    CHECK(found.error().code == errc::name_not_resolved);
    CHECK(found.error().detail == "Cannot resolve edge.test: there is no such name");
}

TEST_CASE("a lookup that hangs is left behind at the limit and only sixteen may hang", "[dial]") {
    const auto shared = std::make_shared<gate>();
    const auto hang = [shared](auto&&...) { return shared->pass(); };
    const auto began = std::chrono::steady_clock::now();
    const auto first = resolve("edge.test", 1, in(50ms), hang);
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    REQUIRE(first.has_error());
    CHECK(first.error().detail == "Cannot resolve edge.test: the name servers did not answer in time");

    for (int i = 1; i < 16; ++i)
        CHECK(resolve("edge.test", 1, in(0ms), hang).error().code == errc::name_not_resolved);
    const auto refused = resolve("edge.test", 1, in(10s), hang);
    REQUIRE(refused.has_error());
    CHECK(refused.error().detail == "Cannot resolve edge.test: too many lookups are waiting for an answer");

    shared->release(16);
}

TEST_CASE("addresses of both families have a text", "[dial]") {
    CHECK(net::address_text(resolve("192.0.2.7", 1, in(5s))->front()) == "192.0.2.7");
    CHECK(net::address_text(resolve("2001:db8::7", 1, in(5s))->front()) == "2001:db8::7");
    CHECK(net::address_text({}).empty());
}
