#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "instatunnel/service/service.hpp"
#include "service/tuning.hpp"
#include "temporary_folder.hpp"

namespace instatunnel::service::testing {

/// The edge as the service sees it: remembers what it was told, lists what a test puts there.
class fake_edge final : public live_tunnels {
public:
    void close_tunnel(const std::string& tunnel_id, const failure& why) override;
    void close_key(const std::string& key_id, errc why) override;
    outcome<std::vector<live_tunnel>> list() override;
    void look_at_visitors_again() override { ++looks_; }

    std::vector<std::pair<std::string, errc>> closed_tunnels();
    std::vector<std::pair<std::string, errc>> closed_keys();
    void set_live(std::vector<live_tunnel> tunnels);
    unsigned looks_at_visitors() const { return looks_; }
    /// From now on it gives no answer in time.
    void fall_silent();
    /// What the client of the last closed tunnel was told.
    std::string last_words();

private:
    std::mutex mutex_;
    std::vector<std::pair<std::string, errc>> closed_tunnels_;
    std::vector<std::pair<std::string, errc>> closed_keys_;
    std::vector<live_tunnel> live_;
    std::string last_words_;
    bool silent_ = false;
    std::atomic<unsigned> looks_{0};
};

struct reply {
    int status = 0;
    nlohmann::json body;
    std::string text;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string field(const std::string& name) const;
};

/// A service on a fresh folder, with cheap passwords and a clock that the test moves.
class service_fixture {
public:
    static constexpr const char* remote = "203.0.113.7";

    explicit service_fixture(bool dev = true);
    ~service_fixture();

    /// Closes the service and opens it again on the same data.
    void restart();
    void advance(std::chrono::microseconds by);
    /// Polls for at most 10 s.
    bool eventually(const std::function<bool()>& condition);
    /// Returns after the service has looked after its things twice with the clock as it is now.
    void wait_for_ticks();

    reply call(const std::string& method, const std::string& path, const std::string& key = "",
               const nlohmann::json& body = nullptr);
    /// As it comes: any body, any fields.
    reply call_raw(api_request request);
    outcome<granted_tunnel> admit(tunnel_claim claim);
    outcome<granted_tunnel> admit(const std::string& key, const std::string& name, const std::string& instance = "i1");

    /// Registers EMAIL with the password "correct horse" and returns the key.
    std::string sign_up(const std::string& email);
    /// A key of the same account that holds only these.
    std::string key_with(const std::string& key, const std::vector<std::string>& permissions);

    test::temporary_folder folder;
    fake_edge edge;
    service_options options;
    tuning settings;
    std::atomic<unsigned> password_hashes{0};
    std::string address = remote;
    std::unique_ptr<service> subject;

private:
    void open();
    std::atomic<std::int64_t> moved_us_{0};
    std::atomic<unsigned> ticks_{0};
};

/// Checks the promised shape of an error: `error`, `message`, `code`, `request_id`.
bool is_error(const reply& r, int status, const std::string& word, int code);

}  // namespace instatunnel::service::testing
