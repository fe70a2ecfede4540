#include "plan_book.hpp"

#include "plan_words.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t max_accounts_remembered = 10000;

}  // namespace

outcome<plan_rules> plan_book::rules_for(const std::string& account_id) {
    if (const auto known = by_account_.find(account_id); known != by_account_.end()) return known->second;
    if (auto read = read_rules(); !read) return read.error();
    auto plan = data_.find_plan(account_id);
    if (!plan) return plan.error();
    if (by_account_.size() >= max_accounts_remembered) by_account_.clear();
    return by_account_.insert_or_assign(account_id, make_plan(*plan, *stored_)).first->second;
}

outcome<void> plan_book::read_rules() {
    if (stored_) return {};
    auto read = data_.list_plan_rules();
    if (!read) return read.error();
    stored_ = std::move(*read);
    return {};
}

void plan_book::forget() noexcept {
    stored_.reset();
    by_account_.clear();
}

}  // namespace instatunnel::service
