#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace instatunnel::log {

/// The numbers are spdlog's, so that nothing has to translate.
enum class level { trace = 0, debug = 1, info = 2, warn = 3, error = 4, off = 6 };

/// Level and destination of the whole process; standard error while no file is named. Call once at start, before
/// threads. Returns false if the file cannot be opened.
bool configure(level threshold, const std::string& file_path);
bool parse_level(std::string_view text, level& out) noexcept;

bool enabled(level l) noexcept;
/// One line: an event name, then `field=value` pairs. Never a secret, never a payload; long values are cut.
void write(level l, std::string_view line);

/// Builds `event a=1 b="x y"`; the value is quoted when it holds blanks, quotes or control characters.
class line {
public:
    line(level l, std::string_view event);
    ~line();
    line(const line&) = delete;
    line& operator=(const line&) = delete;

    line& with(std::string_view name, std::string_view value);
    line& with(std::string_view name, const char* value) { return with(name, std::string_view(value)); }
    line& with(std::string_view name, long long value);
    template <class Integer>
    requires std::is_integral_v<Integer> line& with(std::string_view name, Integer value) {
        return with(name, static_cast<long long>(value));
    }

private:
    level level_;
    bool enabled_;
    std::string text_;
};

inline line debug(std::string_view event) {
    return {level::debug, event};
}
inline line info(std::string_view event) {
    return {level::info, event};
}
inline line warn(std::string_view event) {
    return {level::warn, event};
}
inline line error(std::string_view event) {
    return {level::error, event};
}

}  // namespace instatunnel::log
