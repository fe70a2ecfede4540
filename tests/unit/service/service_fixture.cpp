#include "service_fixture.hpp"

#include <future>
#include <thread>

#include "catch_outcome.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::service::testing {

void fake_edge::close_tunnel(const std::string& tunnel_id, const failure& why) {
    const std::lock_guard lock(mutex_);
    closed_tunnels_.emplace_back(tunnel_id, why.code);
    last_words_ = why.what();
    std::erase_if(live_, [&](const live_tunnel& t) { return t.tunnel_id == tunnel_id; });
}

void fake_edge::close_key(const std::string& key_id, errc why) {
    const std::lock_guard lock(mutex_);
    closed_keys_.emplace_back(key_id, why);
}

outcome<std::vector<live_tunnel>> fake_edge::list() {
    const std::lock_guard lock(mutex_);
    if (silent_) return errc::busy;
    return live_;
}

void fake_edge::fall_silent() {
    const std::lock_guard lock(mutex_);
    silent_ = true;
}

std::string fake_edge::last_words() {
    const std::lock_guard lock(mutex_);
    return last_words_;
}

std::vector<std::pair<std::string, errc>> fake_edge::closed_tunnels() {
    const std::lock_guard lock(mutex_);
    return closed_tunnels_;
}

std::vector<std::pair<std::string, errc>> fake_edge::closed_keys() {
    const std::lock_guard lock(mutex_);
    return closed_keys_;
}

void fake_edge::set_live(std::vector<live_tunnel> tunnels) {
    const std::lock_guard lock(mutex_);
    live_ = std::move(tunnels);
}

std::string reply::field(const std::string& name) const {
    for (const auto& [key, value] : fields)
        if (iequals(key, name)) return value;
    return {};
}

service_fixture::service_fixture(bool dev) {
    options.data = folder.path();
    options.domain = "t.example.com";
    options.public_port = 8443;
    options.dev = dev;
    options.sign_up = dev ? sign_up_policy::open : sign_up_policy::closed;
    options.version = "0.1.0";
    settings.password_cost = {64, 1, 1};
    settings.tick = std::chrono::milliseconds(10);
    settings.on_tick = [this] {
        moved_us_ += jump_us_.exchange(0);
        ++ticks_;
    };
    settings.on_password_hash = [this] { ++password_hashes; };
    const auto wall = wall_now();
    const auto steady = std::chrono::steady_clock::now();
    settings.now = [this, wall] { return wall + std::chrono::microseconds(moved_us_.load()); };
    settings.steady = [this, steady] { return steady + std::chrono::microseconds(moved_us_.load()); };
    open();
}

service_fixture::~service_fixture() {
    subject.reset();
}

void service_fixture::open() {
    auto opened = open_tuned(options, settings);
    if (!opened) FAIL(opened.error().what());
    subject = std::move(*opened);
    subject->attach(edge);
}

void service_fixture::restart() {
    subject->stop();
    subject.reset();
    open();
}

// Between two ticks: what looks at the clock twice in one must not see an hour pass.
void service_fixture::advance(std::chrono::microseconds by) {
    if (!subject) {
        moved_us_ += by.count();
        return;
    }
    jump_us_ += by.count();
    if (!eventually([&] { return jump_us_ == 0; })) FAIL("the service does not tick");
}

bool service_fixture::eventually(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

void service_fixture::wait_for_ticks() {
    const auto seen = ticks_.load();
    if (!eventually([&] { return ticks_ >= seen + 3; })) FAIL("the service does not tick");
}

reply service_fixture::call(const std::string& method, const std::string& path, const std::string& key,
                            const nlohmann::json& body) {
    api_request request;
    request.method = method;
    request.path = path;
    request.remote_address = address;
    if (!key.empty()) request.fields.emplace_back("Authorization", "Bearer " + key);
    if (!body.is_null()) request.body = secret(body.dump());
    return call_raw(std::move(request));
}

reply service_fixture::call_raw(api_request request) {
    ++moved_us_;  // no two calls at the same moment
    std::promise<api_response> promise;
    subject->handle(std::move(request), [&](api_response r) { promise.set_value(std::move(r)); });
    auto future = promise.get_future();
    if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) FAIL("no answer within 30 s");
    auto answered = future.get();
    reply r;
    r.status = answered.status;
    r.text = answered.body;
    r.fields = std::move(answered.fields);
    if (!r.text.empty() && r.field("Content-Type") == "application/json") r.body = nlohmann::json::parse(r.text);
    return r;
}

outcome<granted_tunnel> service_fixture::admit(tunnel_claim claim) {
    std::promise<outcome<granted_tunnel>> promise;
    if (claim.remote_address.empty()) claim.remote_address = address;
    subject->admit(std::move(claim), [&](outcome<granted_tunnel> g) { promise.set_value(std::move(g)); });
    auto future = promise.get_future();
    if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) FAIL("no answer within 30 s");
    return future.get();
}

outcome<granted_tunnel> service_fixture::admit(const std::string& key, const std::string& name,
                                               const std::string& instance) {
    tunnel_claim claim;
    claim.key = secret(key);
    claim.name = name;
    claim.instance = instance;
    claim.target = "localhost:3000";
    return admit(std::move(claim));
}

std::string service_fixture::sign_up(const std::string& email) {
    const auto r = call("POST", "/v1/auth/register", "", {{"email", email}, {"password", "correct horse"}});
    if (r.status != 201) FAIL(r.text);
    return r.body["api_key"];
}

std::string service_fixture::key_with(const std::string& key, const std::vector<std::string>& permissions) {
    const auto r = call("POST", "/v1/auth/keys", key, {{"name", "limited"}, {"permissions", permissions}});
    if (r.status != 201) FAIL(r.text);
    return r.body["key"];
}

bool is_error(const reply& r, int status, const std::string& word, int code) {
    INFO(r.text);
    CHECK(r.status == status);
    CHECK(r.body.value("error", "") == word);
    CHECK(r.body.value("code", 0) == code);
    CHECK_FALSE(r.body.value("message", "").empty());
    CHECK(r.body.value("request_id", "").starts_with("req_"));
    CHECK(r.field("Content-Type") == "application/json");
    return r.status == status && r.body.value("error", "") == word && r.body.value("code", 0) == code;
}

}  // namespace instatunnel::service::testing
