#include "usage_ledger.hpp"

#include <utility>
#include <vector>

namespace instatunnel::service {

void usage_ledger::add(const std::string& tunnel_id, std::uint64_t requests, std::uint64_t bytes_in,
                       std::uint64_t bytes_out) {
    const std::lock_guard lock(mutex_);
    auto& delta = waiting_[tunnel_id];
    delta.tunnel_id = tunnel_id;
    delta.requests += requests;
    delta.bytes_in += bytes_in;
    delta.bytes_out += bytes_out;
}

outcome<void> usage_ledger::flush(store::store& target) {
    std::unordered_map<std::string, store::usage_delta> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(waiting_);
    }
    if (taken.empty()) return {};
    std::vector<store::usage_delta> deltas;
    deltas.reserve(taken.size());
    for (auto& [id, delta] : taken)
        deltas.push_back(std::move(delta));
    auto stored = target.add_usage(deltas);
    if (!stored)
        for (const auto& d : deltas)
            add(d.tunnel_id, d.requests, d.bytes_in, d.bytes_out);
    return stored;
}

}  // namespace instatunnel::service
