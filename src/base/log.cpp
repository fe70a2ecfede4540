#include "instatunnel/base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <charconv>
#include <utility>

namespace instatunnel::log {
namespace {

constexpr std::size_t max_value_length = 512;

spdlog::level::level_enum to_spdlog(level l) {
    return static_cast<spdlog::level::level_enum>(l);
}

constexpr std::array<std::pair<std::string_view, level>, 6> level_names = {{{"trace", level::trace},
                                                                            {"debug", level::debug},
                                                                            {"info", level::info},
                                                                            {"warn", level::warn},
                                                                            {"error", level::error},
                                                                            {"off", level::off}}};

std::shared_ptr<spdlog::logger> make_logger(std::shared_ptr<spdlog::sinks::sink> sink, level threshold) {
    auto logger = std::make_shared<spdlog::logger>("instatunnel", std::move(sink));
    logger->set_level(to_spdlog(threshold));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger->flush_on(spdlog::level::info);
    return logger;
}

spdlog::logger& logger() {
    // Until configure() has run, only warnings reach the terminal.
    static const bool once = [] {
        if (!spdlog::get("instatunnel"))
            spdlog::set_default_logger(make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level::warn));
        return true;
    }();
    (void)once;
    return *spdlog::default_logger_raw();
}

}  // namespace

bool configure(level threshold, const std::string& file_path) {
    logger();
    if (file_path.empty()) {
        spdlog::set_default_logger(make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), threshold));
        return true;
    }
    try {
        spdlog::set_default_logger(
            make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file_path), threshold));
    } catch (const spdlog::spdlog_ex&) {
        return false;
    }
    return true;
}

bool parse_level(std::string_view text, level& out) noexcept {
    for (const auto& [name, value] : level_names) {
        if (name == text) {
            out = value;
            return true;
        }
    }
    return false;
}

bool enabled(level l) noexcept {
    return logger().should_log(to_spdlog(l));
}

void write(level l, std::string_view text) {
    logger().log(to_spdlog(l), "{}", text);
}

line::line(level l, std::string_view event) : level_(l), enabled_(enabled(l)) {
    if (enabled_) text_ = event;
}

line::~line() {
    if (enabled_) write(level_, text_);
}

line& line::with(std::string_view name, std::string_view value) {
    if (!enabled_) return *this;
    value = value.substr(0, max_value_length);
    text_ += ' ';
    text_ += name;
    text_ += '=';
    bool plain = !value.empty();
    for (const char c : value)
        plain = plain && c > ' ' && c < 127 && c != '"' && c != '=';
    if (plain) {
        text_ += value;
        return *this;
    }
    // Whatever came from the network must not be able to forge a line of its own or drive a terminal.
    text_ += '"';
    for (const char c : value) {
        const bool safe = static_cast<unsigned char>(c) >= ' ' && c != 127 && c != '"' && c != '\\';
        text_ += safe ? c : '?';
    }
    text_ += '"';
    return *this;
}

line& line::with(std::string_view name, long long value) {
    if (!enabled_) return *this;
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return with(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

}  // namespace instatunnel::log
