#include "instatunnel/service/request_log.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace instatunnel::service {
namespace {

// Looked at under one lock: some tens of microseconds.
constexpr std::uint64_t requests_a_look = 512;

}  // namespace

void logged_request::name(std::string_view method, std::string_view target) noexcept {
    method = method.substr(0, max_method);
    const auto whole = target.substr(0, target.find('?'));
    const auto kept = whole.substr(0, max_path);
    is_cut = kept.size() < whole.size();
    method_size = static_cast<std::uint8_t>(method.size());
    path_size = static_cast<std::uint8_t>(kept.size());
    std::copy(method.begin(), method.end(), method_text.begin());
    std::copy(kept.begin(), kept.end(), path_text.begin());
}

void request_log::add(const logged_request& request) noexcept {
    std::function<void()> heard;
    {
        const std::lock_guard lock(mutex_);
        auto& place = blocks_[end_ % capacity / block_size];
        if (place == nullptr) place.reset(new (std::nothrow) block);
        if (place == nullptr) return;
        (*place)[end_ % block_size] = request;
        ++end_;
        heard.swap(heard_);
    }
    if (heard) heard();
}

void request_log::call_at_next(std::function<void()> heard) {
    const std::lock_guard lock(mutex_);
    heard_ = std::move(heard);
}

const logged_request& request_log::at(std::uint64_t number) const noexcept {
    return (*blocks_[number % capacity / block_size])[number % block_size];
}

bool request_log::fits(const logged_request& request, const filter& wanted) {
    if (request.of->account_id != wanted.account_id || request.began_us < wanted.since_us) return false;
    if (!wanted.tunnel_id.empty() && request.of->tunnel_id != wanted.tunnel_id) return false;
    if (wanted.statuses && !wanted.statuses->contains(request.status)) return false;
    return !wanted.paths || wanted.paths->matches(request.path());
}

request_log::page request_log::find(const filter& wanted) const {
    return wanted.after ? find_after(wanted, *wanted.after) : find_newest(wanted);
}

request_log::page request_log::find_after(const filter& wanted, std::uint64_t position) const {
    page found;
    bool has_more = true;  // also when nothing comes after it: the end is known under the lock only
    while (has_more && found.requests.size() < wanted.limit) {
        const std::lock_guard lock(mutex_);
        if (position < oldest()) {
            found.has_gap = true;
            position = oldest();
        }
        position = std::min(position, end_);
        const auto stop = std::min(end_, position + requests_a_look);
        for (; position < stop && found.requests.size() < wanted.limit; ++position)
            if (fits(at(position), wanted)) found.requests.push_back(at(position));
        has_more = position < end_;
    }
    found.next = position;
    return found;
}

request_log::page request_log::find_newest(const filter& wanted) const {
    page found;
    std::uint64_t before = UINT64_MAX;
    while (before != 0 && found.requests.size() < wanted.limit) {
        const std::lock_guard lock(mutex_);
        if (before == UINT64_MAX) before = found.next = end_;
        const auto first = oldest();
        if (before <= first) break;
        const auto stop = std::max(first, before - std::min(before, requests_a_look));
        while (before > stop && found.requests.size() < wanted.limit)
            if (fits(at(--before), wanted)) found.requests.push_back(at(before));
    }
    std::ranges::reverse(found.requests);
    return found;
}

}  // namespace instatunnel::service
