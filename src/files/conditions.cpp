#include "conditions.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http_date.hpp"

namespace instatunnel::files {
namespace {

using namespace std::chrono;

constexpr seconds settled_after{2};

enum class comparison { strong, weak };

std::string_view opaque(std::string_view etag) {
    return etag.starts_with("W/") ? etag.substr(2) : etag;
}

bool is_same(std::string_view etag, const validators& current, comparison how) {
    if (how == comparison::strong && (!current.is_strong || etag.starts_with("W/"))) return false;
    return opaque(etag) == opaque(current.etag);
}

// Takes one entity tag off the front of a list; empty at its end, or where it is malformed.
std::string_view next_etag(std::string_view& list) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const std::size_t open = list.starts_with("W/") ? 2 : 0;
    const auto close = list.substr(open).starts_with('"') ? list.find('"', open + 1) : std::string_view::npos;
    const auto etag = close == std::string_view::npos ? std::string_view() : list.substr(0, close + 1);
    list.remove_prefix(etag.size());
    return etag;
}

// All fields of one name are one list (RFC 9110 §5.3).
struct etag_field {
    bool is_there = false;
    bool matches = false;
};

etag_field look_for(const std::vector<wire::field>& fields, std::string_view name, const validators& current,
                    comparison how) {
    etag_field found;
    for (const auto& f : fields) {
        if (!iequals(f.name, name)) continue;
        found.is_there = true;
        auto list = f.value;
        if (trim(list) == "*") found.matches = true;
        for (auto etag = next_etag(list); !etag.empty(); etag = next_etag(list))
            found.matches = found.matches || is_same(etag, current, how);
    }
    return found;
}

// nullopt: not there, several of them, or no date.
std::optional<sys_seconds> date_field(const std::vector<wire::field>& fields, std::string_view name, sys_seconds now) {
    std::optional<sys_seconds> date;
    unsigned count = 0;
    for (const auto& f : fields) {
        if (!iequals(f.name, name)) continue;
        date = wire::parse_http_date(f.value, now);
        ++count;
    }
    return count == 1 ? date : std::nullopt;
}

bool names_this_version(std::string_view if_range, const validators& current, sys_seconds now) {
    if (if_range.starts_with('"') || if_range.starts_with("W/")) return is_same(if_range, current, comparison::strong);
    const auto date = wire::parse_http_date(if_range, now);
    return date && current.is_strong && *date == current.modified;
}

}  // namespace

validators make_validators(const file_version& file, sys_seconds now) {
    validators v;
    v.modified = floor<seconds>(file.modified);
    v.is_strong = std::max(file.modified, file.changed) + settled_after <= now;
    char text[64];
    const auto number = [](auto t) { return static_cast<unsigned long long>(t.time_since_epoch().count()); };
    const int length =
        std::snprintf(text, sizeof text, "%s\"%llx-%llx-%llx\"", v.is_strong ? "" : "W/",
                      static_cast<unsigned long long>(file.size), number(file.modified), number(file.changed));
    v.etag.assign(text, static_cast<std::size_t>(length));
    return v;
}

condition_verdict check_conditions(const std::vector<wire::field>& fields, const validators& current, sys_seconds now) {
    const auto match = look_for(fields, "If-Match", current, comparison::strong);
    if (match.is_there) {
        if (!match.matches) return condition_verdict::failed;
    } else if (const auto limit = date_field(fields, "If-Unmodified-Since", now); limit && current.modified > *limit) {
        return condition_verdict::failed;
    }
    const auto none_match = look_for(fields, "If-None-Match", current, comparison::weak);
    if (none_match.is_there) return none_match.matches ? condition_verdict::not_modified : condition_verdict::proceed;
    const auto since = date_field(fields, "If-Modified-Since", now);
    return since && current.modified <= *since ? condition_verdict::not_modified : condition_verdict::proceed;
}

std::string_view usable_range(const std::vector<wire::field>& fields, const validators& current, sys_seconds now) {
    std::string_view range;
    unsigned ranges = 0;
    bool is_current = true;
    for (const auto& f : fields) {
        if (iequals(f.name, "Range")) {
            range = f.value;
            ++ranges;
        } else if (iequals(f.name, "If-Range")) {
            is_current = is_current && names_this_version(f.value, current, now);
        }
    }
    return ranges == 1 && is_current ? range : std::string_view();
}

}  // namespace instatunnel::files
