#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instatunnel::wire {

/// Some of the statuses of HTTP: "404", "5xx", "400-499" and lists of these with commas.
class status_set {
public:
    /// nullopt: it is not written like that, or names a status beyond 100 to 599.
    static std::optional<status_set> parse(std::string_view text);
    bool contains(int status) const noexcept;

private:
    std::vector<std::pair<int, int>> ranges_;
};

/// Some of the paths: those that begin with a text, or, if it has a '*', that are like it from the first to the last
/// character; '*' stands for any number of characters.
class path_pattern {
public:
    explicit path_pattern(std::string text) : text_(std::move(text)) {}
    bool matches(std::string_view path) const noexcept;

private:
    std::string text_;
};

}  // namespace instatunnel::wire
