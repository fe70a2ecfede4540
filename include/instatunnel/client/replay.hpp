#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/client/recording.hpp"

namespace instatunnel::client {

/// Names the original to the local program. A mark, no proof: visitors can send such a field too.
inline constexpr std::string_view replay_field = "X-Instatunnel-Replay";

/// What is other than in the original.
struct replay_changes {
    std::optional<std::string> method;
    std::optional<std::string> path;  ///< with the query
    /// Fields that take the place of those with the same name; "Host" is the authority.
    std::vector<std::pair<std::string, std::string>> set;
    std::vector<std::string> remove;  ///< names of fields
    std::optional<std::string> body;
};

/// A recorded request as it will be sent again, secrets included. Wiped when destroyed.
struct replay_request {
    std::uint64_t original = 0;
    std::string tunnel;
    bool https = true;
    std::string method;
    std::string authority;
    std::string path;
    std::vector<recorded_field> fields;
    std::vector<recorded_field> trailers;
    std::string body;

    replay_request() = default;
    replay_request(replay_request&&) = default;
    replay_request& operator=(replay_request&&) = default;
    replay_request(const replay_request&) = delete;
    replay_request& operator=(const replay_request&) = delete;
    ~replay_request();

    /// Views into it.
    wire::itp::open_head head() const;
};

/// Errors: not_found (never there, or dropped); usage with the reason for changes that are no HTTP, and for requests
/// that cannot be repeated: upgraded ones, those that have not come whole, and those whose body was not kept whole and
/// is not given.
outcome<replay_request> make_replay(const recording& from, std::uint64_t number, const replay_changes& changes);

}  // namespace instatunnel::client
