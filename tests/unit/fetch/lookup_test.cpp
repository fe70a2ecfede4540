// Names whose answers the test decides: this program's getaddrinfo stands before the C library's, for libcurl too.
#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "https_peer.hpp"

using namespace instatunnel;
using namespace instatunnel::fetch;
using namespace instatunnel::fetch::testing;
using namespace std::chrono_literals;

namespace {

using lookup = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

int real_lookup(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
    static const auto real = reinterpret_cast<lookup>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, out);
}

/// A lookup that hangs until it is let go.
class gate {
public:
    void pass() {
        std::unique_lock hold(mutex_);
        ++inside_;
        changed_.notify_all();
        changed_.wait(hold, [this] { return open_; });
        --inside_;
        changed_.notify_all();
    }
    void await_visitor() {
        std::unique_lock hold(mutex_);
        REQUIRE(changed_.wait_for(hold, patience, [this] { return inside_ > 0; }));
    }
    void open() {
        std::unique_lock hold(mutex_);
        open_ = true;
        changed_.notify_all();
        REQUIRE(changed_.wait_for(hold, patience, [this] { return inside_ == 0; }));
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int inside_ = 0;
    bool open_ = false;
};

gate slow_lookup;
std::atomic<int> changing_lookups{0};

int many_addresses(const std::vector<const char*>& addresses, const char* service, const addrinfo* hints,
                   addrinfo** out) {
    addrinfo numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST;
    numeric.ai_family = AF_UNSPEC;
    addrinfo** end = out;
    for (const auto* address : addresses) {
        if (const int error = real_lookup(address, service, &numeric, end); error != 0) return error;
        while (*end != nullptr)
            end = &(*end)->ai_next;
    }
    return 0;
}

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
    const std::string_view asked(name == nullptr ? "" : name);
    if (asked == "inside.test")
        return many_addresses({"10.0.0.1", "::1", "169.254.169.254", "127.0.0.1"}, service, hints, out);
    if (asked == "changing.test") {
        ++changing_lookups;
        return many_addresses({"127.0.0.1"}, service, hints, out);
    }
    if (asked == "slow.test") {
        slow_lookup.pass();
        return EAI_AGAIN;
    }
    return real_lookup(name, service, hints, out);
}

TEST_CASE("a name that leads inside gets no connection, whichever of its addresses is tried", "[fetch]") {
    https_peer peer(says(ok("{}")));
    const auto f = make_fetcher(peer.options());
    const auto r = fetch_now(*f, get(peer.url("/", "inside.test"), address_policy::public_only));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::forbidden);
    CHECK(r.error().what() == "inside.test has no address on the public internet");
    CHECK(peer.connections == 0);
}

TEST_CASE("a name is looked up once for a request: what was checked is what is connected to", "[fetch]") {
    https_peer peer(says(ok("{}")), "changing.test");
    auto options = peer.options();
    options.allows_loopback = true;
    const auto f = make_fetcher(options);
    changing_lookups = 0;
    CHECK(code_of(fetch_now(*f, get(peer.url("/", "changing.test"), address_policy::public_only))) == errc::ok);
    CHECK(changing_lookups == 1);
    // No answer is kept for later either: it would outlive the policy under which it was good.
    CHECK(code_of(fetch_now(*f, get(peer.url("/", "changing.test"), address_policy::public_only))) == errc::ok);
    CHECK(changing_lookups == 2);
}

TEST_CASE("a lookup that hangs holds up neither its own limit nor other requests", "[fetch]") {
    https_peer peer(says(ok("{}")));
    const auto f = make_fetcher(peer.options());
    auto stuck = get("https://slow.test/");
    stuck.time_limit = 100ms;
    auto answer = begin(*f, std::move(stuck));
    slow_lookup.await_visitor();
    CHECK(code_of(fetch_now(*f, get(peer.url()))) == errc::ok);
    CHECK(code_of(wait(answer)) == errc::connect_timeout);
    CHECK(code_of(fetch_now(*f, get(peer.url()))) == errc::ok);
    f->stop();
    slow_lookup.open();
}
