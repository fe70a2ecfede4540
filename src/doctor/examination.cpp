#include "instatunnel/doctor/examination.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "instatunnel/api/http_client.hpp"
#include "local_checks.hpp"
#include "machine_checks.hpp"
#include "parts.hpp"
#include "proxy_verdict.hpp"
#include "server_checks.hpp"
#include "service_checks.hpp"
#include "transport_check.hpp"

// Two chains that do not need each other, each on a thread: the way to the server, and the local program. Whoever
// called waits for the checks in the order of the report, so that output comes in that order, and each as early as it
// can.
namespace instatunnel::doctor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A slow link needs seconds for what is done in milliseconds elsewhere; a dead one must not take all of the time.
constexpr milliseconds look_up_limit{5'000};
constexpr milliseconds connect_limit{4'000};
constexpr milliseconds handshake_limit{5'000};
constexpr milliseconds call_limit{6'000};
constexpr milliseconds transport_limit{6'000};

/// Checks that are done, for whoever waits for the next one.
class result_list {
public:
    void put(check c) {
        {
            const std::lock_guard lock(guard_);
            done_.insert_or_assign(c.id, std::move(c));
        }
        changed_.notify_all();
    }

    check wait_for(const std::string& id) {
        std::unique_lock lock(guard_);
        changed_.wait(lock, [&] { return done_.contains(id); });
        return done_.at(id);
    }

private:
    std::mutex guard_;
    std::condition_variable changed_;
    std::map<std::string, check> done_;
};

class examination {
public:
    explicit examination(const settings& s) : s_(s), began_(steady_clock::now()), deadline_(began_ + s.limit) {}

    report run(const check_listener& on_check) {
        result_.server = s_.server;
        const auto network = start([this] { examine_server(); });
        const auto local = start([this] {
            auto last = steady_clock::now();
            examine_local(s_, deadline_, [&](check c) { put(std::move(c), last); });
        });
        auto last = began_;
        put(check_version(), last);
        put(check_configuration(s_), last);
        put(check_key(s_), last);
        const auto last_step = s_.mcp ? step::mcp : step::host;
        for (auto i = 0; i <= static_cast<int>(last_step); ++i) {
            auto c = results_.wait_for(make_check(static_cast<step>(i)).id);
            if (on_check) on_check(c);
            result_.checks.push_back(std::move(c));
        }
        network->join();
        local->join();
        result_.took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
        return std::move(result_);
    }

private:
    /// Work on a thread of its own, or at once where there is none to be had.
    class job {
    public:
        explicit job(const std::function<void()>& work) {
            try {
                thread_ = std::thread(work);
            } catch (const std::system_error&) {
                work();
            }
        }
        ~job() { join(); }
        job(const job&) = delete;
        job& operator=(const job&) = delete;
        void join() {
            if (thread_.joinable()) thread_.join();
        }

    private:
        std::thread thread_;
    };
    static std::unique_ptr<job> start(const std::function<void()>& work) { return std::make_unique<job>(work); }

    void put(check c, steady_clock::time_point& last) {
        const auto now = steady_clock::now();
        c.took = std::chrono::duration_cast<milliseconds>(now - last);
        last = now;
        results_.put(std::move(c));
    }

    milliseconds left(milliseconds most) const {
        const auto rest = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
        return std::clamp(rest, milliseconds(0), most);
    }

    void skip_from(step first, const std::string& why) {
        for (auto i = static_cast<int>(first); i <= static_cast<int>(step::transport); ++i)
            results_.put(skipped(make_check(static_cast<step>(i)), why));
    }

    void examine_server() {
        auto server = net::parse_url(s_.server);
        if (!server) return skip_from(step::dns, "The configuration does not say which server to use");
        auto last = steady_clock::now();
        auto names = look_up(s_, *server, left(look_up_limit));
        const bool is_known = names.verdict.state == check_state::ok;
        put(std::move(names.verdict), last);
        if (!is_known) {
            put(skipped(make_check(step::tcp), "The name has no address"), last);
            put(judge_proxy(s_.proxy, server->host, /*is_reached=*/false), last);
            return skip_from(step::tls, "The server cannot be reached");
        }
        auto connection = connect_to_all(*server, names.addresses, left(connect_limit));
        const bool is_reached = static_cast<bool>(connection.connected);
        put(std::move(connection.verdict), last);
        put(judge_proxy(s_.proxy, server->host, is_reached), last);
        if (!is_reached) return skip_from(step::tls, "The server cannot be reached");
        auto tls = check_tls(s_, *server, std::move(connection.connected), left(handshake_limit));
        const bool is_trusted = tls.state != check_state::failed;
        put(std::move(tls), last);
        if (!is_trusted) return skip_from(step::api, "There is no connection that can be trusted");
        examine_service(last);
    }

    void examine_service(steady_clock::time_point last) {
        auto http = api::make_http_client(s_.cacert);
        if (!http) return skip_from(step::api, std::string(http.error().what()));
        hurried_client hurried(**http, deadline_);
        auto asked = ask_api(s_, hurried, left(call_limit));
        const bool is_service = asked.api.state != check_state::failed;
        result_.support = asked.support;
        put(std::move(asked.api), last);
        put(std::move(asked.clock), last);
        if (!is_service) return skip_from(step::account, "The API does not answer as it should");
        if (s_.key.empty()) return skip_from(step::account, "There is no key to ask with");
        if (asked.is_older) {
            hurried_client for_key(hurried, steady_clock::now() + call_limit);
            auto account = ask_older_account(s_, for_key);
            const bool is_taken = account.state == check_state::ok;
            put(std::move(account), last);
            if (!is_taken) return skip_from(step::plan, "The server does not take the key");
            put(skipped(make_check(step::plan), "A server of earlier clients does not say"), last);
        } else if (!examine_account(hurried, asked.support, last)) {
            return;
        }
        put(check_transport(s_, {asked.speaks_v1, asked.speaks_v2}, left(transport_limit)), last);
    }

    // False: a tunnel would be refused as well.
    bool examine_account(api::http_client& http, const std::string& support, steady_clock::time_point& last) {
        hurried_client hurried(http, std::min(deadline_, steady_clock::now() + call_limit));
        auto found = ask_account(s_, hurried, wall_now());
        put(std::move(found.verdict), last);
        if (!found.account) {
            skip_from(step::plan, "The account is not known");
            return false;
        }
        auto plan = judge_plan(*found.account, s_.mcp, support);
        const bool may_open = plan.code != errc::forbidden;
        put(std::move(plan), last);
        if (!may_open) skip_from(step::transport, "The key opens no tunnels");
        return may_open;
    }

    const settings& s_;
    steady_clock::time_point began_;
    steady_clock::time_point deadline_;
    result_list results_;
    report result_;
};

}  // namespace

report examine(const settings& what, const check_listener& on_check) {
    return examination(what).run(on_check);
}

}  // namespace instatunnel::doctor
