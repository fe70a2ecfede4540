#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"

namespace instatunnel::doctor {

enum class check_state : std::uint8_t {
    ok,
    warning,  ///< tunnels open, and something will be in the way sooner or later
    failed,
    skipped,  ///< it makes no sense, or not before another check is well
};

/// Of one examination.
inline constexpr std::size_t most_checks = 15;

/// One thing that was looked at. No text in it holds a key, a token, a whole email address or a control character.
struct check {
    std::string id;     ///< "dns": stable, for programs
    std::string title;  ///< "Name look-up", for people
    check_state state = check_state::skipped;
    std::string found;     ///< what there is
    std::string cause;     ///< why it is no good; with `skipped`, why it was not looked at; empty: all is well
    std::string mend;      ///< one line: what to type or do; empty: nothing
    errc code = errc::ok;  ///< of a warning or failure; `ok` where no error of ours says it
    std::chrono::milliseconds took{0};
};

/// What an examination found, in the order in which one thing needs the other.
struct report {
    std::vector<check> checks;
    std::string server;   ///< the API that was asked; empty: the configuration does not say
    std::string support;  ///< whom the server's owner names for questions; empty: nobody
    std::chrono::milliseconds took{0};

    std::size_t count(check_state state) const noexcept;
    /// Of the first check that failed; done if none did.
    exit_code exit() const noexcept;
};

/// "ok", "warning", "failed", "skipped".
std::string_view state_name(check_state state) noexcept;

/// One line of JSON, documented in docs/doctor.md: {"event":"doctor.report","ok":…,"checks":[…],…}.
std::string to_json(const report& r);

}  // namespace instatunnel::doctor
