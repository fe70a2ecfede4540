#include "served_tunnels.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace instatunnel::cli {

class served_tunnels::held final : public client::tunnel_events {
public:
    explicit held(client::tunnel_options options)
        : target_(options.upstream.display), tunnel_(std::move(options), *this), thread_([this] { run(); }) {}
    ~held() override {
        tunnel_.stop();
        tunnel_.stop();
        thread_.join();
    }

    /// Null: it is open.
    std::optional<failure> wait_until_open(std::chrono::milliseconds limit) {
        std::unique_lock lock(guard_);
        changed_.wait_for(lock, limit, [this] { return !url_.empty() || ended_; });
        if (ended_) return ended_->code == errc::cancelled ? failure(errc::connection_lost) : *ended_;
        return url_.empty() ? std::optional<failure>(errc::hello_timeout) : std::nullopt;
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
    std::condition_variable changed_;
    std::string target_;
    std::string url_;
    std::string name_;
    std::string trouble_;
    std::optional<failure> ended_;
    std::uint64_t requests_ = 0;
    client::tunnel tunnel_;
    std::thread thread_;  // the last: it uses all the others
};

served_tunnels::served_tunnels() = default;
served_tunnels::~served_tunnels() = default;

outcome<served_tunnels::shown> served_tunnels::open(client::tunnel_options options, std::chrono::milliseconds limit) {
    std::erase_if(all_, [](const auto& one) { return one->show().state == "ended"; });
    if (all_.size() >= max_tunnels)
        return failure(errc::plan_limit, "This server holds " + std::to_string(max_tunnels) + " tunnels already",
                       "Close one first");
    auto made = std::make_unique<held>(std::move(options));
    if (auto why = made->wait_until_open(limit)) return *why;
    all_.push_back(std::move(made));
    return all_.back()->show();
}

std::vector<served_tunnels::shown> served_tunnels::list() const {
    std::vector<shown> shown_ones;
    for (const auto& one : all_)
        shown_ones.push_back(one->show());
    return shown_ones;
}

outcome<served_tunnels::shown> served_tunnels::close(const std::string& which) {
    const auto found = std::ranges::find_if(all_, [&](const auto& one) {
        const auto s = one->show();
        return s.name == which || s.url == which;
    });
    if (found == all_.end()) return failure(errc::not_found, "No tunnel of this server has that name or URL");
    const auto last = (*found)->show();
    all_.erase(found);
    return last;
}

}  // namespace instatunnel::cli
