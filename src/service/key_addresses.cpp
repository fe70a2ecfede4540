#include "key_addresses.hpp"

#include <algorithm>

#include "instatunnel/auth/token_bucket.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t max_known = 20000;
constexpr std::size_t max_waiting_uses = 1000;
constexpr std::uint64_t addresses_of_a_key = 64;

}  // namespace

void key_addresses::note(const store::api_key& key, std::string_view address) {
    const auto group = auth::is_loopback(address) ? std::string("loopback") : auth::address_group(address);
    auto name = key.id + ' ' + group;
    if (known_.contains(name) || waiting_.size() >= max_waiting_uses) return;
    if (known_.size() >= max_known) known_.clear();
    known_.insert(std::move(name));
    waiting_.push_back({{key.id, group, tuning_.now()}, key.account_id, std::string(address)});
}

outcome<void> key_addresses::flush() {
    if (waiting_.empty()) return {};
    std::vector<store::key_address> uses;
    uses.reserve(waiting_.size());
    for (const auto& u : waiting_)
        uses.push_back(u.where);
    auto fresh = store_.record_key_addresses(uses, addresses_of_a_key);
    if (!fresh) return fresh.error();
    for (const auto& f : *fresh) {
        const auto u = std::ranges::find_if(
            waiting_, [&](const use& w) { return w.where.key_id == f.key_id && w.where.address == f.address; });
        if (u == waiting_.end()) continue;
        audit_event event("key.used_from_new_address");
        event.by(actor_kind::key, f.key_id).of(u->account_id).about(f.key_id).from(u->address);
        audit_.note_seldom(event, f.key_id);
    }
    waiting_.clear();
    return {};
}

}  // namespace instatunnel::service
