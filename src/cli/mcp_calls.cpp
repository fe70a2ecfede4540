#include "mcp_calls.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace instatunnel::cli {

using nlohmann::json;

struct mcp_calls::running {
    running(json i, json token, const sink& say) : id(std::move(i)), call(std::move(token), say) {}
    json id;
    mcp_call call;
    bool is_cancelled = false;  // these two with the guard
    bool is_finished = false;
    std::thread thread;
};

void mcp_call::tell_progress(double done, double total, std::string_view text) const {
    json params = json::object();
    params["progressToken"] = token_;
    params["progress"] = done;
    params["total"] = total;
    params["message"] = text;
    json message = json::object();
    message["jsonrpc"] = "2.0";
    message["method"] = "notifications/progress";
    message["params"] = std::move(params);
    say_(message.dump());
}

mcp_calls::mcp_calls(sink say) : say_(std::move(say)) {}

mcp_calls::~mcp_calls() {
    {
        const std::lock_guard lock(guard_);
        for (const auto& one : running_) {
            one->is_cancelled = true;
            one->call.stop().request_stop();
        }
    }
    for (const auto& one : running_)
        one->thread.join();
}

void mcp_calls::join_finished() {
    std::list<std::unique_ptr<running>> finished;
    {
        const std::lock_guard lock(guard_);
        for (auto at = running_.begin(); at != running_.end();) {
            const auto one = at++;
            if ((*one)->is_finished) finished.splice(finished.end(), running_, one);
        }
    }
    for (const auto& one : finished)
        one->thread.join();
}

bool mcp_calls::start(json id, json progress_token, std::function<std::string(mcp_call&)> work) {
    join_finished();
    // The list is this thread's own; only what stands in its entries is shared.
    if (running_.size() >= max_waiting) return false;
    auto made = std::make_unique<running>(std::move(id), std::move(progress_token), say_);
    auto* const one = made.get();
    running_.push_back(std::move(made));
    try {
        one->thread = std::thread([this, one, work = std::move(work)] {
            const auto answer = work(one->call);
            bool is_wanted = false;
            {
                const std::lock_guard lock(guard_);
                is_wanted = !std::exchange(one->is_cancelled, true);
                // Before the answer: whoever reads it may begin the next call at once.
                one->is_finished = true;
            }
            if (is_wanted) say_(answer);
        });
    } catch (const std::system_error&) {
        running_.pop_back();
        return false;
    }
    return true;
}

void mcp_calls::cancel(const json& id) {
    const std::lock_guard lock(guard_);
    for (const auto& one : running_)
        if (one->id == id && !std::exchange(one->is_cancelled, true)) one->call.stop().request_stop();
}

}  // namespace instatunnel::cli
