#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "catch_outcome.hpp"
#include "instatunnel/base/file.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

std::string everything_in(const std::filesystem::path& folder) {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
}

// Lets the fake edge hold the service's thread until released.
class holding_edge final : public instatunnel::service::live_tunnels {
public:
    void close_tunnel(const std::string&, const failure&) override {}
    void close_key(const std::string&, errc) override {}
    outcome<std::vector<instatunnel::service::live_tunnel>> list() override {
        std::unique_lock lock(mutex_);
        entered_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return released_; });
        return {};
    }
    void wait_until_entered() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return entered_; });
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool entered_ = false;
    bool released_ = false;
};

instatunnel::service::api_request health() {
    instatunnel::service::api_request request;
    request.method = "GET";
    request.path = "/health";
    request.remote_address = "127.0.0.1";
    return request;
}

}  // namespace

TEST_CASE("nothing that is stored holds a key or a password") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto login =
        f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    const std::string second = login.body["api_key"];
    const auto third = f.key_with(key, {"tunnels:read"});
    REQUIRE(f.admit(key, "demo"));
    auto bytes = everything_in(f.folder.path());
    REQUIRE(bytes.find("ann@example.com") != std::string::npos);
    for (const auto& plain : {key, second, third, std::string("correct horse")}) {
        CHECK(bytes.find(plain) == std::string::npos);
        CHECK(bytes.find(plain.substr(3)) == std::string::npos);
    }
}

TEST_CASE("the files of the data are private") {
    service_fixture f;
    f.sign_up("ann@example.com");
    for (const auto& entry : std::filesystem::directory_iterator(f.folder.path())) {
        INFO(entry.path());
        CHECK(entry.status().permissions() == static_cast<std::filesystem::perms>(0600));
    }
}

TEST_CASE("accounts, keys and names are there after a restart") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    f.restart();
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
    CHECK(f.call("GET", "/v1/tunnels/demo", key).body["id"] == granted->tunnel_id);
    CHECK(f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}}).status ==
          200);
}

TEST_CASE("data whose pepper was lost or replaced is refused instead of forgetting every key") {
    service_fixture f;
    f.sign_up("ann@example.com");
    f.subject->stop();
    const auto file = f.folder.path() / "pepper.key";
    SECTION("lost") {
        std::filesystem::remove(file);
        const auto opened = instatunnel::service::open_tuned(f.options, f.settings);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == errc::store_failed);
        CHECK_FALSE(std::filesystem::exists(file));
    }
    SECTION("replaced") {
        REQUIRE(write_file_atomically(file, std::string(64, 'a') + "\n", 0600));
        CHECK(instatunnel::service::open_tuned(f.options, f.settings).error().code == errc::store_failed);
    }
    SECTION("damaged") {
        REQUIRE(write_file_atomically(file, "short\n", 0600));
        CHECK(instatunnel::service::open_tuned(f.options, f.settings).error().code == errc::store_failed);
    }
    SECTION("open to others") {
        std::filesystem::permissions(file, static_cast<std::filesystem::perms>(0644));
        CHECK(instatunnel::service::open_tuned(f.options, f.settings).error().code == errc::file_permission);
    }
}

TEST_CASE("after stop every call is answered with 503 and every claim with busy") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    f.subject->stop();
    f.subject->stop();
    const auto r = f.call("GET", "/health");
    CHECK(is_error(r, 503, "unavailable", 5003));
    CHECK(r.body["retry_after"] == 1);
    CHECK(r.field("Retry-After") == "1");
    CHECK(f.admit(key, "demo").error().code == errc::busy);
    CHECK(f.subject->ensure_first_user().error().code == errc::busy);
}

TEST_CASE("stop finishes the sign-ins that were accepted") {
    service_fixture f;
    f.sign_up("ann@example.com");
    std::atomic<int> right{0};
    for (int i = 0; i < 8; ++i) {
        instatunnel::service::api_request request;
        request.method = "POST";
        request.path = "/v1/auth/login";
        request.remote_address = "127.0.0.1";
        request.body = secret(R"({"email":"ann@example.com","password":"correct horse"})");
        f.subject->handle(std::move(request), [&](instatunnel::service::api_response r) { right += r.status == 200; });
    }
    f.call("GET", "/health");  // what was posted before has begun
    f.subject->stop();
    CHECK(right == 8);
}

TEST_CASE("beyond the queue's bound calls are refused at once and later ones served again") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    f.settings.queue = 10;
    f.restart();
    holding_edge edge;
    f.subject->attach(edge);
    std::atomic<int> listed{0}, served{0}, refused{0};
    instatunnel::service::api_request list;
    list.method = "GET";
    list.path = "/tunnels";
    list.fields.emplace_back("X-API-Key", key);
    f.subject->handle(std::move(list), [&](instatunnel::service::api_response r) { listed = r.status; });
    edge.wait_until_entered();
    for (int i = 0; i < 25; ++i)
        f.subject->handle(health(),
                          [&](instatunnel::service::api_response r) { ++(r.status == 200 ? served : refused); });
    CHECK(refused == 15);
    edge.release();
    f.subject->attach(f.edge);
    CHECK(listed == 200);
    CHECK(served == 10);
    CHECK(f.call("GET", "/health").status == 200);
}

TEST_CASE("more sign-ins at once than the password queue holds are refused with 503") {
    service_fixture f;
    f.settings.password_queue = 1;
    std::mutex gate;
    f.settings.on_password_hash = [&] { const std::lock_guard wait(gate); };
    f.restart();
    f.address = "127.0.0.1";
    std::atomic<int> refused{0}, answered{0};
    {
        const std::lock_guard hold(gate);
        for (int i = 0; i < 8; ++i) {
            instatunnel::service::api_request request;
            request.method = "POST";
            request.path = "/v1/auth/login";
            request.remote_address = "127.0.0.1";
            request.body = secret(R"({"email":"nobody@example.com","password":"wrong"})");
            f.subject->handle(std::move(request), [&](instatunnel::service::api_response r) {
                refused += r.status == 503;
                ++answered;
            });
        }
        CHECK(f.call("GET", "/health").status == 200);  // the service's own thread is not held up
        CHECK(refused >= 5);
    }
    f.subject->stop();
    CHECK(answered == 8);
}

TEST_CASE("calls from many threads at once are all answered") {
    service_fixture f;
    f.address = "127.0.0.1";
    const auto key = f.sign_up("ann@example.com");
    std::atomic<int> right{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 8; ++t)
        callers.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const auto name = "n" + std::to_string(t) + "-" + std::to_string(i);
                right += f.admit(key, name).has_value();
                f.subject->record_usage("tun_unknown", 1, 1, 1);
            }
        });
    for (auto& c : callers)
        c.join();
    CHECK(right == 160);
    CHECK(f.call("GET", "/auth/user", key).body["usage"]["tunnels_created"] == 160);
}
