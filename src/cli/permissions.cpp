#include "permissions.hpp"

#include <algorithm>
#include <vector>

#include "instatunnel/auth/scopes.hpp"
#include "nearest.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

std::string_view group_of(std::string_view scope) {
    return scope.substr(0, scope.find(':'));
}

std::vector<std::string> summarised(std::span<const std::string> held) {
    std::vector<std::string> list;
    const auto scopes = auth::all_scopes();
    for (auto first = scopes.begin(); first != scopes.end();) {
        const auto last = std::find_if(first, scopes.end(), [&](auto s) { return group_of(s) != group_of(*first); });
        const bool whole = std::all_of(first, last, [&](auto s) { return auth::grants(held, s); });
        if (whole && last - first > 1) {
            list.push_back(std::string(group_of(*first)) + ":*");
        } else {
            std::for_each(first, last, [&](auto s) {
                if (auth::grants(held, s)) list.emplace_back(s);
            });
        }
        first = last;
    }
    return list;
}

}  // namespace

std::string permissions_text(std::span<const std::string> held) {
    std::string text;
    for (const auto& one : summarised(held))
        text += (text.empty() ? "" : ", ") + printable(one);
    return text.empty() ? "none" : text;
}

outcome<void> check_permission(const std::string& name) {
    if (auth::is_scope_pattern(name)) return {};
    const auto all = auth::all_scopes();
    const std::vector<std::string> names(all.begin(), all.end());
    const auto near = nearest(name, names);
    return failure(errc::usage, "There is no permission \"" + printable(name.substr(0, 80)) + "\"",
                   near.empty() ? "Write it like: --scope tunnels:write, or --scope 'tunnels:*' for the group"
                                : "Did you mean: --scope " + near);
}

}  // namespace instatunnel::cli
