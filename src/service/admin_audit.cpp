#include <algorithm>
#include <charconv>

#include "audit_chain.hpp"
#include "audit_head.hpp"
#include "data_folder.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/service/audit.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t page_records = 1000;

audit_row to_row(const store::audit_record& r) {
    return {r.seq,    r.at,      r.actor_kind, r.actor,  r.account_id,  r.action,
            r.target, r.address, r.result,     r.detail, to_hex(r.hash)};
}

// A query with its email looked up. Somebody's keys are not listed in the store once they are gone, so records of an
// actor given by email are picked by account and kind.
struct resolved_query {
    store::audit_filter filter;
    std::string user_id;

    bool wants(const store::audit_record& r) const {
        return user_id.empty() || r.actor == user_id || r.actor_kind == "key";
    }
};

outcome<store::user> find_user(store::store& data, const std::string& email) {
    const auto address = auth::normalise_email(email);
    auto known = address ? data.find_user_by_email(*address) : outcome<std::optional<store::user>>(std::nullopt);
    if (!known) return known.error();
    if (!*known)
        return failure(errc::not_found, "No account has the email \"" + email.substr(0, 80) + "\"",
                       "See them with: instatunnel admin user ls, or name an id from instatunnel admin audit ls");
    return std::move(**known);
}

outcome<resolved_query> resolve(store::store& data, const audit_query& query) {
    resolved_query resolved;
    auto& filter = resolved.filter;
    if (query.age) filter.since = wall_now() - *query.age;
    filter.action = query.action;
    filter.account_id = query.account;
    filter.actor = query.actor;
    filter.limit = page_records;
    for (const bool by_actor : {false, true}) {
        const auto& who = by_actor ? query.actor : query.account;
        if (who.find('@') == std::string::npos) continue;
        auto user = find_user(data, who);
        if (!user) return user.error();
        if (!filter.account_id.empty() && by_actor && filter.account_id != user->account_id)
            return failure(errc::usage, "The actor belongs to another account", "Leave out --account");
        filter.account_id = user->account_id;
        if (!by_actor) continue;
        filter.actor.clear();
        resolved.user_id = user->id;
    }
    return resolved;
}

// Pages, because one long read would keep SQLite from tidying up behind the edge.
outcome<void> walk(store::store& data, resolved_query query,
                   const std::function<bool(const store::audit_record&)>& take) {
    for (;;) {
        auto records = data.list_audit(query.filter);
        if (!records) return records.error();
        for (const auto& r : *records) {
            (query.filter.newest_first ? query.filter.before : query.filter.after) = r.seq;
            if (query.wants(r) && !take(r)) return {};
        }
        if (records->size() < query.filter.limit) return {};
    }
}

struct noted_head {
    audit_head head;
    std::string where;  ///< for sentences
};

outcome<noted_head> parse_noted(const std::string& text) {
    noted_head noted;
    noted.where = "the noted end";
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, noted.head.seq);
    const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
    const bool good = error == std::errc() && noted.head.seq > 0 && rest.size() == 65 && rest.front() == ':' &&
                      rest.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
    if (!good)
        return failure(errc::usage, "--noted is not what an earlier verification printed",
                       "Write it like --noted NUMBER:HASH");
    noted.head.hash = rest.substr(1);  // stays hexadecimal
    return noted;
}

// One pass over the log with everything that must hold.
class verification {
public:
    verification(store::store& data, const audit_chain& chain) : data_(data), chain_(chain) {}

    void expect(noted_head noted) { noted_.push_back(std::move(noted)); }

    outcome<audit_verdict> run() {
        if (auto begun = begin(); !begun) return begun.error();
        resolved_query all;
        all.filter.after = verdict_.first - 1;
        all.filter.limit = page_records;
        if (verdict_.reason.empty()) {
            auto walked = walk(data_, all, [this](const store::audit_record& r) { return check(r); });
            if (!walked) return walked.error();
        }
        if (verdict_.reason.empty()) check_end();
        verdict_.whole = verdict_.reason.empty();
        verdict_.last_hash = to_hex(previous_);
        return std::move(verdict_);
    }

    void breaks(std::uint64_t seq, std::string reason) {
        verdict_.broken_at = seq;
        verdict_.reason = std::move(reason);
    }

private:
    outcome<void> begin() {
        auto anchor = data_.find_audit_anchor();
        if (!anchor) return anchor.error();
        previous_ = anchor->hash;
        verdict_.first = anchor->seq + 1;
        verdict_.last = anchor->seq;
        if (!chain_.fits(*anchor))
            breaks(anchor->seq,
                   "Where the log begins was not set by this program: older records may have been removed");
        return {};
    }

    bool check(const store::audit_record& r) {
        const auto expected = verdict_.last + 1;
        if (r.seq != expected) {
            // --audit-keep may have cut meanwhile; then the anchor says so.
            auto anchor = data_.find_audit_anchor();
            if (verdict_.records == 0 && anchor && anchor->seq + 1 == r.seq && chain_.fits(*anchor)) {
                previous_ = anchor->hash;
                verdict_.first = r.seq;
            } else {
                breaks(expected, "Record " + std::to_string(expected) + " is missing");
                return false;
            }
        }
        if (!chain_.fits(previous_, r)) {
            breaks(r.seq, "Record " + std::to_string(r.seq) + " was changed, or does not follow the one before it");
            return false;
        }
        for (const auto& n : noted_)
            if (n.head.seq == r.seq && n.head.hash != to_hex(r.hash)) {
                breaks(r.seq, "Record " + std::to_string(r.seq) + " is not the one of " + n.where);
                return false;
            }
        previous_ = r.hash;
        verdict_.last = r.seq;
        ++verdict_.records;
        return true;
    }

    void check_end() {
        for (const auto& n : noted_)
            if (n.head.seq > verdict_.last) {
                breaks(verdict_.last + 1, "Records " + std::to_string(verdict_.last + 1) + " to " +
                                              std::to_string(n.head.seq) +
                                              " or later are missing at the end: " + n.where + " names them");
                return;
            }
    }

    store::store& data_;
    const audit_chain& chain_;
    std::vector<noted_head> noted_;
    std::string previous_;
    audit_verdict verdict_;
};

}  // namespace

outcome<std::vector<audit_row>> list_audit(const std::filesystem::path& folder, const audit_query& query,
                                           std::uint64_t limit) {
    auto opened = open_existing_data_folder(folder);
    if (!opened) return opened.error();
    auto resolved = resolve(*opened->data, query);
    if (!resolved) return resolved.error();
    resolved->filter.newest_first = true;
    std::vector<audit_row> rows;
    auto walked = walk(*opened->data, *resolved, [&](const store::audit_record& r) {
        if (rows.size() < limit) rows.push_back(to_row(r));
        return rows.size() < limit;
    });
    if (!walked) return walked.error();
    std::ranges::reverse(rows);
    return rows;
}

outcome<void> export_audit(const std::filesystem::path& folder, const audit_query& query,
                           const std::function<bool(const audit_row&)>& take) {
    auto opened = open_existing_data_folder(folder);
    if (!opened) return opened.error();
    auto resolved = resolve(*opened->data, query);
    if (!resolved) return resolved.error();
    return walk(*opened->data, *resolved, [&](const store::audit_record& r) { return take(to_row(r)); });
}

outcome<audit_verdict> verify_audit(const std::filesystem::path& folder, const std::string& noted) {
    auto opened = open_existing_data_folder(folder);
    if (!opened) return opened.error();
    const audit_chain chain(opened->pepper);
    verification check(*opened->data, chain);
    if (!noted.empty()) {
        auto head = parse_noted(noted);
        if (!head) return head.error();
        check.expect(std::move(*head));
    }
    // Read before the records: what is appended meanwhile is later.
    auto head = audit_head_file(folder).read();
    if (head && *head) check.expect({{(*head)->seq, to_hex((*head)->hash)}, "audit.head"});
    auto verdict = check.run();
    if (!verdict || !verdict->whole) return verdict;
    if (!head || (!*head && verdict->records > 0)) {
        verdict->whole = false;
        verdict->broken_at = verdict->last;
        verdict->reason = head ? "The file audit.head is missing: records at the end may have been removed with it"
                               : std::string(head.error().what());
    }
    return verdict;
}

}  // namespace instatunnel::service
