#include "audit_log.hpp"

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/log.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t max_waiting_events = 1000;
constexpr std::size_t max_seldom = 4096;
constexpr std::chrono::minutes seldom_means{1};
constexpr auth::bucket_rule seldom_rule{120, std::chrono::seconds(1)};
constexpr std::uint64_t cut_at_once = 5000;

}  // namespace

audit_log::audit_log(store::store& target, const secret& pepper, const std::filesystem::path& folder, const tuning& t)
    : store_(target), chain_(pepper), head_(folder), tuning_(t), seldom_budget_(seldom_rule, t.steady()) {}

outcome<void> audit_log::append(const audit_event& event) {
    return append_record(event.record(tuning_.now()));
}

outcome<void> audit_log::append_record(store::audit_record record) {
    grew_ = true;
    return store_.atomically([&]() -> outcome<void> {
        auto last = store_.find_last_audit();
        if (!last) return last.error();
        std::string previous;
        if (*last) {
            record.seq = (*last)->seq + 1;
            previous = (*last)->hash;
        } else {
            auto anchor = store_.find_audit_anchor();
            if (!anchor) return anchor.error();
            record.seq = anchor->seq + 1;
            previous = anchor->hash;
        }
        record.hash = chain_.hash(previous, record);
        return store_.add_audit(record);
    });
}

void audit_log::note(const audit_event& event) {
    if (waiting_.size() < max_waiting_events)
        waiting_.push_back(event.record(tuning_.now()));
    else
        ++dropped_;
}

void audit_log::note_seldom(audit_event event, std::string_view about) {
    const auto now = tuning_.steady();
    auto name = std::string(event.action()) + ' ' + std::string(about);
    auto known = seldom_.find(name);
    if (known == seldom_.end()) {
        if (seldom_.size() >= max_seldom)
            std::erase_if(seldom_, [&](const auto& entry) { return entry.second.again <= now; });
        if (seldom_.size() >= max_seldom) {
            ++dropped_;
            return;
        }
        known = seldom_.emplace(std::move(name), seldom{now, 0}).first;
    }
    auto& entry = known->second;
    if (now < entry.again || !seldom_budget_.take(now)) {
        ++entry.left_out;
        return;
    }
    if (entry.left_out > 0) event.with("left_out_before", entry.left_out);
    entry = {now + seldom_means, 0};
    note(event);
}

outcome<void> audit_log::flush() {
    if (!waiting_.empty() || dropped_ > 0) {
        auto written = store_.atomically([&]() -> outcome<void> {
            for (const auto& record : waiting_)
                if (auto done = append_record(record); !done) return done;
            if (dropped_ == 0) return {};
            return append(audit_event("audit.left_out").by(actor_kind::system).with("events", dropped_));
        });
        if (!written) return written;
        waiting_.clear();
        dropped_ = 0;
    }
    return grew_ ? note_head() : outcome<void>();
}

outcome<void> audit_log::note_head() {
    auto last = store_.find_last_audit();
    if (!last) return last.error();
    if (!*last) return {};
    auto noted = head_.advance({(*last)->seq, (*last)->hash}, [&](const audit_head& h) { return still_holds(h); });
    if (noted) {
        grew_ = head_failed_ = false;
        return {};
    }
    if (noted.error().code == errc::busy) return {};  // the next flush tries again
    grew_ = false;
    if (!std::exchange(head_failed_, true)) log::error("audit.head_failed").with("reason", noted.error().what());
    return noted;
}

outcome<bool> audit_log::still_holds(const audit_head& head) {
    auto anchor = store_.find_audit_anchor();
    if (!anchor) return anchor.error();
    if (head.seq < anchor->seq) return true;
    if (head.seq == anchor->seq) return head.hash == anchor->hash;
    auto record = store_.find_audit(head.seq);
    if (!record) return record.error();
    return *record && (*record)->hash == head.hash;
}

outcome<bool> audit_log::cut(wall_time limit) {
    auto anchor = store_.find_audit_anchor();
    if (!anchor) return anchor.error();
    store::audit_filter oldest;
    oldest.after = anchor->seq;
    oldest.limit = cut_at_once;
    auto records = store_.list_audit(oldest);
    if (!records) return records.error();
    std::uint64_t count = 0;
    bool fits = chain_.fits(*anchor);
    for (auto previous = std::string_view(anchor->hash); fits && count < records->size(); ++count) {
        const auto& record = (*records)[count];
        if (record.at >= limit) break;
        fits = chain_.fits(previous, record);
        previous = record.hash;
    }
    // Cutting it off would remove the evidence.
    if (!fits)
        return failure(errc::store_failed, "The audit log was changed, so nothing of it is cut off",
                       "See where: instatunnel admin audit verify");
    if (count == 0) return false;
    const auto& last = (*records)[count - 1];
    store::audit_anchor next{last.seq, last.hash, {}};
    next.seal = chain_.seal(next);
    // The record comes first: the log is never empty, and the head can always be noted.
    auto done = store_.atomically([&]() -> outcome<void> {
        audit_event event("audit.cut");
        event.by(actor_kind::system).with("up_to", last.seq).with("records", count);
        if (auto noted = append(event); !noted) return noted;
        return store_.cut_audit(next);
    });
    if (!done) return done.error();
    return count == cut_at_once;
}

}  // namespace instatunnel::service
