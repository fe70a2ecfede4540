#pragma once

#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "http1_scan.hpp"
#include "instatunnel/wire/http1.hpp"

/// What request and response heads have in common: lines, fields, growing input, limits.
namespace instatunnel::wire::http1 {

/// `strict` is for visitors; `lenient` for origins: a bare LF ends a line, folded lines are joined, blanks before a
/// colon are skipped (RFC 9112 §2.2, §5.2, §5.1: what a proxy has to do with a response).
enum class line_rule { strict, lenient };

/// Reads the lines of one head from left to right. Every step returns true to go on; false means that `result()`
/// says why not: more bytes are needed, or the head is invalid.
template <line_rule Rule>
class line_reader {
public:
    using byte = std::conditional_t<Rule == line_rule::lenient, char, const char>;

    line_reader(byte* begin, byte* end, const http1_limits& limits, std::vector<field>& fields)
        : begin_(begin), p_(begin), end_(end), limits_(limits), fields_(fields) {
        fields_.clear();
    }

    const parse_result& result() const noexcept { return result_; }
    const char* position() const noexcept { return p_; }
    const char* end() const noexcept { return end_; }
    void advance_to(const char* p) noexcept { p_ = begin_ + (p - begin_); }

    [[gnu::cold]] bool refuse(int status, std::string_view reason) noexcept {
        result_ = {parse_status::invalid, 0, status, reason};
        return false;
    }
    bool need_more() noexcept {
        result_ = {};
        return false;
    }
    bool finish() noexcept {
        result_ = {parse_status::done, static_cast<std::size_t>(p_ - begin_), 0, {}};
        return true;
    }

    /// The end of a line must stand at the current position.
    bool read_line_end() noexcept;
    /// All field lines and the empty line behind them; `on_field(field)` sees each one.
    template <class OnField>
    bool read_fields(OnField&& on_field);

private:
    bool read_field();
    bool read_value(const char* line, const char*& value_end);
    [[gnu::cold]] bool refuse_name(const char* line, const char* stop) noexcept;

    byte* begin_;
    byte* p_;
    byte* end_;
    const http1_limits& limits_;
    std::vector<field>& fields_;
    parse_result result_;
};

template <line_rule Rule>
bool line_reader<Rule>::read_line_end() noexcept {
    if (p_ == end_) return need_more();
    if (*p_ == '\n') {
        if constexpr (Rule == line_rule::strict) return refuse(400, "bare LF");
        ++p_;
        return true;
    }
    if (*p_ != '\r') return refuse(400, "control byte in a line");
    if (end_ - p_ < 2) return need_more();
    if (p_[1] != '\n') return refuse(400, "bare CR");
    p_ += 2;
    return true;
}

template <line_rule Rule>
template <class OnField>
bool line_reader<Rule>::read_fields(OnField&& on_field) {
    for (;;) {
        if (p_ == end_) return need_more();
        if (*p_ == '\r' || *p_ == '\n') return read_line_end();
        if (fields_.size() == limits_.max_fields) return refuse(431, "too many fields");
        if (!read_field()) return false;
        on_field(fields_.back());
    }
}

template <line_rule Rule>
bool line_reader<Rule>::read_field() {
    const char* const line = p_;
    const char* p = skip_token(line, end_);
    const std::string_view name(line, static_cast<std::size_t>(p - line));
    if constexpr (Rule == line_rule::lenient) {
        while (p != end_ && !name.empty() && is_blank(*p))
            ++p;
    }
    if (p == end_) return need_more();
    if (*p != ':' || name.empty()) return refuse_name(line, p);
    const char* value_end = ++p;
    if (!read_value(line, value_end)) return false;
    fields_.push_back({name, trim_blanks({p, static_cast<std::size_t>(value_end - p)})});
    return true;
}

// From `value_end` on; leaves the position behind the line (all of its lines, when folded) and `value_end` at its end.
template <line_rule Rule>
bool line_reader<Rule>::read_value(const char* line, const char*& value_end) {
    for (;;) {
        value_end = skip_value(value_end, end_);
        if (value_end == end_) return need_more();
        advance_to(value_end);
        if (!read_line_end()) return false;
        if (static_cast<std::size_t>(value_end - line) > limits_.max_field) return refuse(431, "field too long");
        if constexpr (Rule == line_rule::strict) {
            if (p_ != end_ && is_blank(*p_)) return refuse(400, "folded line");
            return true;
        } else {
            if (p_ == end_) return need_more();
            if (!is_blank(*p_)) return true;
            // RFC 9112 §5.2: a fold becomes blanks, here in place so that the value stays one view.
            char* const fold = begin_ + (value_end - begin_);
            std::memset(fold, ' ', static_cast<std::size_t>(p_ - fold));
        }
    }
}

template <line_rule Rule>
bool line_reader<Rule>::refuse_name(const char* line, const char* stop) noexcept {
    if (stop == line && is_blank(*stop)) return refuse(400, "line begins with a blank");
    if (stop == line && *stop == ':') return refuse(400, "empty field name");
    if (is_blank(*stop)) return refuse(400, "blank before the colon");
    if (*stop == '\r' || *stop == '\n') return refuse(400, "field line without a colon");
    return refuse(400, "byte that is not allowed in a field name");
}

// One empty line before the request line is skipped (RFC 9112 §2.2).
inline std::size_t leading_line(std::string_view input) noexcept {
    return input.starts_with("\r\n") ? 2 : 0;
}

/// What a head that is not complete yet may not exceed: "incomplete", or the limit that was hit.
inline parse_result check_unfinished(std::string_view input, const http1_limits& limits) noexcept {
    const auto start = leading_line(input);
    const auto first_end = input.find('\n', start);
    // A CR may already be there whose LF is still missing, hence the one byte more.
    if (first_end == std::string_view::npos) {
        if (input.size() - start > limits.max_start_line + 1)
            return {parse_status::invalid, 0, 414, "start line too long"};
    } else {
        const auto* const last =
            static_cast<const char*>(::memrchr(input.data() + first_end, '\n', input.size() - first_end));
        const auto line = static_cast<std::size_t>(input.data() + input.size() - last - 1);
        if (line > limits.max_field + 1) return {parse_status::invalid, 0, 431, "field too long"};
    }
    if (input.size() >= limits.max_head) return {parse_status::invalid, 0, 431, "head too long"};
    return {};
}

/// Whether an LF at `lf` ends the head, given that the lines before it are well-formed so far.
template <line_rule Rule>
bool is_empty_line(const char* begin, const char* lf) noexcept {
    const auto before = lf - begin;
    if constexpr (Rule == line_rule::strict) return before >= 3 && std::memcmp(lf - 3, "\r\n\r", 3) == 0;
    return (before >= 1 && lf[-1] == '\n') || (before >= 2 && lf[-1] == '\r' && lf[-2] == '\n');
}

/// Whether bytes from `already_seen` on can change the answer "incomplete": they end the start line or the head, or
/// hold a byte that no head may hold. Costs a scan of the new bytes only, so that a head that arrives in small pieces
/// is not parsed once a piece.
template <line_rule Rule>
bool worth_parsing(std::string_view input, std::size_t already_seen) noexcept {
    const char* const begin = input.data();
    const char* const end = begin + input.size();
    const char* const start = begin + leading_line(input);
    const char* p = begin + (already_seen > 3 ? already_seen - 3 : 0);
    for (p = skip_value(p, end); p != end; p = skip_value(p + 1, end)) {
        if (*p == '\r') {
            if (p + 1 != end && p[1] != '\n') return true;
            continue;
        }
        if (*p != '\n') return true;
        if (Rule == line_rule::strict && (p == begin || p[-1] != '\r')) return true;
        if (is_empty_line<Rule>(begin, p)) return true;
        const bool is_new = p >= begin + already_seen && p >= start;
        if (is_new && std::memchr(start, '\n', static_cast<std::size_t>(p - start)) == nullptr) return true;
    }
    return false;
}

}  // namespace instatunnel::wire::http1
