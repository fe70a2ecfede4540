#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>

namespace instatunnel::cli {

/// What a tool is given beside its arguments.
class mcp_call {
public:
    /// `progress_token`: null when the caller does not want to be told.
    mcp_call(nlohmann::json progress_token, const std::function<void(const std::string&)>& say)
        : token_(std::move(progress_token)), say_(say) {}

    /// Asked when the caller takes the call back, or has gone.
    const std::stop_source& stop() const noexcept { return stop_; }
    bool wants_progress() const noexcept { return !token_.is_null(); }
    /// `done` must rise from call to call.
    void tell_progress(double done, double total, std::string_view text) const;

private:
    std::stop_source stop_;
    nlohmann::json token_;
    const std::function<void(const std::string&)>& say_;
};

/// Calls of tools that wait, each on a thread of its own, so that whoever reads messages is never held up. One thread
/// calls it.
class mcp_calls {
public:
    static constexpr std::size_t max_waiting = 16;
    using sink = std::function<void(const std::string&)>;

    /// `say` writes one message; for any thread.
    explicit mcp_calls(sink say);
    /// Stops all and waits for them; nothing is answered any more.
    ~mcp_calls();
    mcp_calls(const mcp_calls&) = delete;
    mcp_calls& operator=(const mcp_calls&) = delete;

    /// Runs `work`, whose result is said unless the call was cancelled by then. False: too many wait already.
    bool start(nlohmann::json id, nlohmann::json progress_token, std::function<std::string(mcp_call&)> work);
    /// The calls with that id stop and are not answered. One that is over, or never was, is no mistake.
    void cancel(const nlohmann::json& id);

    const sink& say() const noexcept { return say_; }

private:
    struct running;
    void join_finished();

    sink say_;
    std::mutex guard_;
    std::list<std::unique_ptr<running>> running_;
};

}  // namespace instatunnel::cli
