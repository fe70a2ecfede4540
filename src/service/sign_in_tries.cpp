#include "sign_in_tries.hpp"

#include <algorithm>

namespace instatunnel::service {
namespace {

constexpr std::chrono::minutes remembered{1};
constexpr std::uint64_t page_length = 1000;
// Two password threads cannot refuse more in a minute, and a start must not take longer for it.
constexpr std::size_t max_tries = 10 * page_length;

// Newest first.
outcome<std::vector<store::audit_record>> refused_since(store::store& data, wall_time limit) {
    std::vector<store::audit_record> found;
    store::audit_filter filter;
    filter.newest_first = true;
    filter.limit = page_length;
    while (found.size() < max_tries) {
        auto records = data.list_audit(filter);
        if (!records) return records.error();
        for (auto& r : *records) {
            if (r.at < limit) return found;
            filter.before = r.seq;
            if (r.result == "refused" && (r.action == "login.failed" || r.action == "account.register_failed"))
                found.push_back(std::move(r));
        }
        if (records->size() < page_length) break;
    }
    return found;
}

}  // namespace

outcome<void> restore_sign_in_tries(store::store& data, call_limits& limits, const tuning& t) {
    const auto now = t.now();
    auto tries = refused_since(data, now - remembered);
    if (!tries) return tries.error();
    std::ranges::reverse(*tries);
    for (const auto& r : *tries) {
        const auto age = std::max(now - r.at, std::chrono::microseconds(0));
        limits.take_sign_in(r.target, r.address, t.steady() - age);
    }
    return {};
}

}  // namespace instatunnel::service
