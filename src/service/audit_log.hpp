#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit_chain.hpp"
#include "audit_event.hpp"
#include "audit_head.hpp"
#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// Where security events are written. On the thread that uses the store.
///
/// A change and its record are one transaction: append() inside store::atomically, or together(). What changed nothing
/// (a wrong password) is noted and written within a second, so that whoever causes it cannot make the disk sync at
/// their pace; what can be caused without end is noted at most once a minute for the same thing.
class audit_log {
public:
    /// All arguments but the pepper outlive the log.
    audit_log(store::store& target, const secret& pepper, const std::filesystem::path& folder, const tuning& t);

    /// Errors: store_failed.
    outcome<void> append(const audit_event& event);

    /// Runs `change`, which returns an outcome, and appends `describe(its value)`, both or neither.
    template <class Change, class Describe>
    auto together(Change change, Describe describe) -> decltype(change()) {
        decltype(change()) changed = failure(errc::internal);
        auto done = store_.atomically([&]() -> outcome<void> {
            changed = change();
            if (!changed) return changed.error();
            if constexpr (std::is_void_v<typename decltype(change())::value_type>)
                return append(describe());
            else
                return append(describe(*changed));
        });
        if (!done && changed) return done.error();
        return changed;
    }

    /// Written by the next flush(); beyond 1,000 that wait they are counted only.
    void note(const audit_event& event);
    /// The same at most once a minute for an action and `about`, and about once a second for all of these together;
    /// the next record says how many were left out.
    void note_seldom(audit_event event, std::string_view about);

    /// Writes what was noted and where the log ends. Keeps it for the next time if the store fails.
    outcome<void> flush();

    /// Cuts records before `limit` off the old end, at most some thousands at once; true: there are more.
    outcome<bool> cut(wall_time limit);

private:
    struct seldom {
        auth::steady_time again;
        std::uint64_t left_out = 0;
    };
    outcome<void> append_record(store::audit_record record);
    outcome<void> note_head();
    outcome<bool> still_holds(const audit_head& head);

    store::store& store_;
    audit_chain chain_;
    audit_head_file head_;
    const tuning& tuning_;
    std::vector<store::audit_record> waiting_;
    std::uint64_t dropped_ = 0;
    std::unordered_map<std::string, seldom> seldom_;  // by action and what it is about
    auth::token_bucket seldom_budget_;
    bool grew_ = true;  // since the head was noted
    bool head_failed_ = false;
};

}  // namespace instatunnel::service
