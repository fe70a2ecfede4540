#include "served_tunnels.hpp"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <thread>

namespace instatunnel::cli {

class served_tunnels::held final : public client::tunnel_events {
public:
    explicit held(client::tunnel_options options)
        : target_(options.upstream.display), tunnel_(std::move(options), *this), thread_([this] { run(); }) {}
    ~held() override {
        stop();
        thread_.join();
    }

    /// At once; the thread is still on its way.
    void stop() {
        tunnel_.stop();
        tunnel_.stop();
    }

    /// Null: it is open.
    std::optional<failure> wait_until_open(std::chrono::milliseconds limit, const std::stop_token& stop) {
        std::unique_lock lock(guard_);
        changed_.wait_for(lock, stop, limit, [this] { return !url_.empty() || ended_; });
        if (ended_) return ended_->code == errc::cancelled ? failure(errc::connection_lost) : *ended_;
        if (stop.stop_requested()) return failure(errc::cancelled);
        return url_.empty() ? std::optional<failure>(errc::hello_timeout) : std::nullopt;
    }

    outcome<client::recorded> replay(client::replay_request what, std::chrono::milliseconds limit,
                                     const std::stop_token& stop) {
        return tunnel_.replay(std::move(what), limit, stop);
    }

    shown show() const {
        const std::lock_guard lock(guard_);
        const auto state = ended_ ? "ended" : trouble_.empty() ? "online" : "reconnecting";
        return {name_, url_, target_, state, ended_ ? std::string(ended_->what()) : trouble_, requests_};
    }

private:
    void run() {
        const auto ended = tunnel_.run();
        const std::lock_guard lock(guard_);
        ended_ = ended ? failure(errc::cancelled) : ended.error();
        changed_.notify_all();
    }
    void on_ready(const client::ready_info& info) override {
        const std::lock_guard lock(guard_);
        url_ = info.url;
        name_ = info.name;
        trouble_.clear();
        changed_.notify_all();
    }
    void on_request(const client::request_info&) override {
        const std::lock_guard lock(guard_);
        ++requests_;
    }
    void on_reconnecting(const failure& why, std::chrono::milliseconds, unsigned) override {
        const std::lock_guard lock(guard_);
        trouble_ = why.what();
    }

    mutable std::mutex guard_;
    std::condition_variable_any changed_;
    std::string target_;
    std::string url_;
    std::string name_;
    std::string trouble_;
    std::optional<failure> ended_;
    std::uint64_t requests_ = 0;
    client::tunnel tunnel_;
    std::thread thread_;  // the last: it uses all the others
};

// Given back also when there is no memory, or no thread, for another tunnel.
struct served_tunnels::place_taken {
    served_tunnels& of;
    ~place_taken() {
        const std::lock_guard lock(of.guard_);
        --of.opening_;
    }
};

served_tunnels::served_tunnels() = default;
served_tunnels::~served_tunnels() = default;

outcome<served_tunnels::shown> served_tunnels::open(client::tunnel_options options, std::chrono::milliseconds limit,
                                                    const std::stop_token& stop) {
    std::vector<std::shared_ptr<held>> ended;  // destroyed without the lock: that waits for their threads
    {
        const std::lock_guard lock(guard_);
        const auto first =
            std::stable_partition(all_.begin(), all_.end(), [](const auto& t) { return t->show().state != "ended"; });
        ended.assign(first, all_.end());
        all_.erase(first, all_.end());
        if (all_.size() + opening_ >= max_tunnels)
            return failure(errc::plan_limit, "This server holds " + std::to_string(max_tunnels) + " tunnels already",
                           "Close one first");
        ++opening_;
    }
    const place_taken place{*this};
    options.record = &record_;
    const auto made = std::make_shared<held>(std::move(options));
    const auto why = made->wait_until_open(limit, stop);
    if (why) return *why;
    const std::lock_guard lock(guard_);
    all_.push_back(made);
    return made->show();
}

std::vector<served_tunnels::shown> served_tunnels::list() const {
    const std::lock_guard lock(guard_);
    std::vector<shown> shown_ones;
    for (const auto& one : all_)
        shown_ones.push_back(one->show());
    return shown_ones;
}

outcome<served_tunnels::shown> served_tunnels::close(const std::string& which) {
    std::shared_ptr<held> closed;
    {
        const std::lock_guard lock(guard_);
        const auto found = std::ranges::find_if(all_, [&](const auto& one) {
            const auto s = one->show();
            return s.name == which || s.url == which;
        });
        if (found == all_.end()) return failure(errc::not_found, "No tunnel of this server has that name or URL");
        closed = std::move(*found);
        all_.erase(found);
    }
    closed->stop();
    return closed->show();
}

outcome<client::recorded> served_tunnels::replay(client::replay_request what, std::chrono::milliseconds limit,
                                                 const std::stop_token& stop) {
    std::shared_ptr<held> through;
    {
        const std::lock_guard lock(guard_);
        const auto found = std::ranges::find_if(all_, [&](const auto& one) { return one->show().name == what.tunnel; });
        if (found != all_.end()) through = *found;
    }
    if (through == nullptr)
        return failure(errc::not_found, "The tunnel \"" + what.tunnel + "\" is not open any more",
                       "Open it again with open_tunnel, then repeat the request");
    return through->replay(std::move(what), limit, stop);
}

}  // namespace instatunnel::cli
