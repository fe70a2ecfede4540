#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "instatunnel/service/service.hpp"

namespace instatunnel::edge {

/// A request that goes on because of a pass.
class pass_holder {
public:
    /// The pass has ended: so does the request. Called once, with the holder's mark already off the pass.
    virtual void on_pass_ended() = 0;

protected:
    ~pass_holder() = default;
};

/// An access token that the service found good for one tunnel.
struct visitor_pass {
    std::string key;  ///< of visitor_passes
    std::string token_id;
    std::string user_id;
    std::string client_id;
    std::string host;
    std::string account_id;
    service::visitor_list users;
    std::string identity;  ///< value of the field that tells the app who calls
    wall_time expires_at{};
    std::chrono::steady_clock::time_point fresh_until{};  ///< the service need not be asked before
    bool ended = false;
    bool asking = false;  ///< the service is being asked again
    std::unordered_set<pass_holder*> holders;
};

/// What the service said about visitors' tokens: remembered for a moment, so that not every request waits for another
/// thread, and as long as requests go on because of it, so that they can be ended. On one worker.
class visitor_passes {
public:
    using steady_time = std::chrono::steady_clock::time_point;

    /// How long an answer of the service counts. What it learns meanwhile it tells: end(), look_again().
    static constexpr std::chrono::seconds life{30};
    static constexpr std::size_t most = 10'000;  ///< without requests under way

    /// Under which a token for this tunnel is remembered: not the token.
    static std::string key_for(std::string_view token, std::string_view host);

    /// A pass that counts now; null: ask the service.
    std::shared_ptr<visitor_pass> find(const std::string& key, steady_time now, wall_time wall) const;
    /// Remembers a good answer to `claim`, or renews what is known.
    std::shared_ptr<visitor_pass> keep(std::string key, const service::visitor_claim& claim,
                                       const service::visitor_answer& answer, steady_time now);

    /// This token works no more: its requests end.
    void end(std::string_view token_id);
    void end(visitor_pass& pass);
    /// Nothing counts any more without being asked again.
    void make_stale() noexcept;

    /// Calls `visit` with every pass whose requests go on though the token has expired, or (`all`) with every pass
    /// whose requests go on.
    void each_under_way(wall_time wall, bool all,
                        const std::function<void(const std::shared_ptr<visitor_pass>&)>& visit) const;
    void forget_unused(steady_time now);
    std::size_t size() const noexcept { return by_key_.size(); }

private:
    std::unordered_map<std::string, std::shared_ptr<visitor_pass>> by_key_;
};

}  // namespace instatunnel::edge
