#include "visitor_passes.hpp"

#include <vector>

#include "instatunnel/base/encoding.hpp"

namespace instatunnel::edge {

std::string visitor_passes::key_for(std::string_view token, std::string_view host) {
    return sha256(std::string(host).append("\n").append(token));
}

std::shared_ptr<visitor_pass> visitor_passes::find(const std::string& key, steady_time now, wall_time wall) const {
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return nullptr;
    const auto& pass = known->second;
    return pass->fresh_until > now && pass->expires_at > wall ? pass : nullptr;
}

std::shared_ptr<visitor_pass> visitor_passes::keep(std::string key, const service::visitor_claim& claim,
                                                   const service::visitor_answer& answer, steady_time now) {
    if (by_key_.size() >= most) forget_unused(now);
    if (by_key_.size() >= most) forget_unused(now + life);
    auto& pass = by_key_[key];
    if (pass == nullptr) pass = std::make_shared<visitor_pass>();
    pass->key = std::move(key);
    pass->token_id = answer.token_id;
    pass->user_id = answer.user_id;
    pass->client_id = answer.client_id;
    pass->host = claim.host;
    pass->account_id = claim.account_id;
    pass->users = claim.users;
    pass->identity = answer.identity;
    pass->expires_at = answer.expires_at;
    pass->fresh_until = now + life;
    return pass;
}

void visitor_passes::end(visitor_pass& pass) {
    const auto held = by_key_.find(pass.key);
    // Ends of requests may reach back here: what is being ended must outlive them, and be nobody's to find.
    std::shared_ptr<visitor_pass> alive;
    if (held != by_key_.end() && held->second.get() == &pass) {
        alive = std::move(held->second);
        by_key_.erase(held);
    }
    pass.ended = true;
    while (!pass.holders.empty()) {
        auto* holder = *pass.holders.begin();
        pass.holders.erase(pass.holders.begin());
        holder->on_pass_ended();
    }
}

void visitor_passes::end(std::string_view token_id) {
    std::vector<std::shared_ptr<visitor_pass>> ending;
    for (const auto& [key, pass] : by_key_)
        if (pass->token_id == token_id) ending.push_back(pass);
    for (const auto& pass : ending)
        end(*pass);
}

void visitor_passes::make_stale() noexcept {
    for (const auto& [key, pass] : by_key_)
        pass->fresh_until = {};
}

void visitor_passes::each_under_way(wall_time wall, bool all,
                                    const std::function<void(const std::shared_ptr<visitor_pass>&)>& visit) const {
    for (const auto& [key, pass] : by_key_)
        if (!pass->holders.empty() && (all || pass->expires_at <= wall)) visit(pass);
}

void visitor_passes::forget_unused(steady_time now) {
    std::erase_if(by_key_,
                  [&](const auto& entry) { return entry.second->holders.empty() && entry.second->fresh_until <= now; });
}

}  // namespace instatunnel::edge
