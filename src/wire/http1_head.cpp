#include <algorithm>

#include "http1_framing.hpp"
#include "http1_lines.hpp"
#include "http1_scan.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::wire {

// uri-host [ ":" port ] (RFC 9110 §7.2). Of uri-host only names and addresses that can be routed: a reg-name with
// percent signs or sub-delims (RFC 3986 §3.2.2) is no host on any network, and reads differently in every parser.
bool is_authority(std::string_view text) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
    if (p != end && *p == '[') {
        const char* const address = ++p;
        while (p != end &&
               (*p == ':' || *p == '.' || (*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')))
            ++p;
        if (p == address || p == end || *p != ']') return false;
        ++p;
    } else {
        const char* const name = p;
        p = http1::skip(p, end, http1::host_byte);
        if (p == name) return false;
    }
    if (p == end) return true;
    if (*p != ':' || end - p > 6) return false;
    for (++p; p != end; ++p) {
        if (*p < '0' || *p > '9') return false;
    }
    return true;
}

bool is_request_path(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && text.front() == '/' && http1::skip_target(text.data(), end) == end;
}

namespace {

using http1::framing;
using http1::line_rule;

// "HTTP/1.0" or "HTTP/1.1" at the current position; `status` answers any other version.
template <line_rule Rule>
bool read_version(http1::line_reader<Rule>& lines, int status, int& minor) noexcept {
    static constexpr std::string_view name = "HTTP/";
    const char* const p = lines.position();
    const auto available = static_cast<std::size_t>(lines.end() - p);
    if (!name.starts_with(std::string_view(p, std::min(available, name.size()))))
        return lines.refuse(400, "start line without an HTTP version");
    if (available < 8) return lines.need_more();
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!is_digit(p[5]) || p[6] != '.' || !is_digit(p[7])) return lines.refuse(400, "malformed HTTP version");
    if (p[5] != '1' || p[7] > '1') return lines.refuse(status, "HTTP version that is not 1.0 or 1.1");
    minor = p[7] - '0';
    lines.advance_to(p + 8);
    return true;
}

class request_parser {
public:
    request_parser(std::string_view input, const http1_limits& limits, request_head& out)
        : begin_(input.data()),
          lines_(input.data(), input.data() + input.size(), limits, out.fields),
          limits_(limits),
          out_(out) {
        lines_.advance_to(input.data() + http1::leading_line(input));
    }

    const parse_result& run() {
        if (read_request_line() && judge_target() && lines_.read_fields([this](const field& f) { facts_.note(f); }) &&
            judge_authority() && judge_body() && judge_connection())
            lines_.finish();
        return lines_.result();
    }

private:
    bool read_request_line() noexcept;
    bool judge_target() noexcept;
    bool judge_absolute_form() noexcept;
    bool judge_authority() noexcept;
    bool judge_body() noexcept;
    bool judge_connection() noexcept;

    const char* begin_;
    http1::line_reader<line_rule::strict> lines_;
    const http1_limits& limits_;
    request_head& out_;
    framing facts_;
};

bool request_parser::read_request_line() noexcept {
    const char* const line = lines_.position();
    const char* const end = lines_.end();
    const char* p = http1::skip(line, end, http1::token_byte);
    // A CR may be the first half of the one empty line that is skipped.
    if (p == end || (*p == '\r' && p == begin_ && end - p == 1)) return lines_.need_more();
    if (p == line || *p != ' ') return lines_.refuse(400, "malformed method");
    out_.method = {line, static_cast<std::size_t>(p - line)};

    const char* const target = ++p;
    p = http1::skip_target(p, end);
    if (p == end) return lines_.need_more();
    if (p == target || *p != ' ') return lines_.refuse(400, "malformed request target");
    out_.target = {target, static_cast<std::size_t>(p - target)};

    lines_.advance_to(p + 1);
    if (!read_version(lines_, 505, out_.minor_version)) return false;
    const char* const line_end = lines_.position();
    if (line_end != end && *line_end != '\r' && *line_end != '\n')
        return lines_.refuse(400, "bytes behind the HTTP version");
    if (!lines_.read_line_end()) return false;
    if (static_cast<std::size_t>(line_end - line) > limits_.max_start_line)
        return lines_.refuse(414, "start line too long");
    return true;
}

// RFC 9112 §3.2: the four forms of a target.
bool request_parser::judge_target() noexcept {
    out_.authority = {};
    out_.path = out_.target;
    if (out_.method == "CONNECT") return lines_.refuse(501, "CONNECT");
    if (out_.target.front() == '/') return true;
    if (out_.target == "*")
        return out_.method == "OPTIONS" || lines_.refuse(400, "target * with a method that is not OPTIONS");
    return judge_absolute_form();
}

bool request_parser::judge_absolute_form() noexcept {
    std::string_view rest = out_.target;
    const auto colon = rest.find("://");
    const auto scheme = rest.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (!http1::equals_lower(scheme, "http") && !http1::equals_lower(scheme, "https"))
        return lines_.refuse(400, "target that is neither a path nor an http or https URL");
    rest.remove_prefix(colon + 3);
    const auto authority_end = rest.find_first_of("/?");
    out_.authority = rest.substr(0, authority_end);
    if (!is_authority(out_.authority)) return lines_.refuse(400, "malformed authority in the target");
    if (authority_end == std::string_view::npos) {
        // RFC 9112 §3.2.4: OPTIONS without a path asks about the server as a whole.
        out_.path = out_.method == "OPTIONS" ? "*" : "/";
        return true;
    }
    out_.path = rest.substr(authority_end);
    // A query needs a path to be forwarded in origin-form, and a view has no room for the missing slash.
    return out_.path.front() == '/' || lines_.refuse(400, "URL with a query but without a path");
}

// RFC 9112 §3.2, §3.2.2.
bool request_parser::judge_authority() noexcept {
    if (facts_.hosts > 1) return lines_.refuse(400, "more than one Host");
    if (facts_.hosts == 0 && out_.minor_version == 1) return lines_.refuse(400, "no Host");
    if (facts_.hosts == 1 && !is_authority(facts_.host)) return lines_.refuse(400, "malformed Host");
    if (out_.authority.empty()) out_.authority = facts_.host;
    return true;
}

// RFC 9112 §6.3, without the leniency that it allows.
bool request_parser::judge_body() noexcept {
    out_.body = body_kind::none;
    out_.content_length = 0;
    if (facts_.transfer_encodings > 0) {
        if (facts_.lengths > 0) return lines_.refuse(400, "both Transfer-Encoding and Content-Length");
        if (out_.minor_version == 0) return lines_.refuse(400, "Transfer-Encoding in HTTP/1.0");
        if (!facts_.is_chunked()) return lines_.refuse(501, "Transfer-Encoding that is not chunked");
        out_.body = body_kind::chunked;
    } else if (facts_.lengths > 0) {
        if (facts_.lengths > 1) return lines_.refuse(400, "more than one Content-Length");
        if (facts_.bad_length) return lines_.refuse(400, "malformed Content-Length");
        out_.body = body_kind::length;
        out_.content_length = facts_.content_length;
    }
    return true;
}

bool request_parser::judge_connection() noexcept {
    const bool modern = out_.minor_version == 1;
    out_.keep_alive = facts_.keep_alive(out_.minor_version);
    out_.expect_continue = modern && facts_.expect_continue;
    out_.upgrade = modern && facts_.connection_upgrade ? facts_.upgrade : std::string_view{};
    return true;
}

class response_parser {
public:
    response_parser(char* data, std::size_t size, const http1_limits& limits, response_head& out)
        : lines_(data, data + size, limits, out.fields), limits_(limits), out_(out) {}

    const parse_result& run(std::string_view request_method) {
        if (read_status_line() && lines_.read_fields([this](const field& f) { facts_.note(f); }) &&
            judge_body(request_method))
            lines_.finish();
        return lines_.result();
    }

private:
    bool read_status_line() noexcept;
    bool judge_body(std::string_view request_method) noexcept;
    bool judge_length() noexcept;

    http1::line_reader<line_rule::lenient> lines_;
    const http1_limits& limits_;
    response_head& out_;
    framing facts_;
};

bool response_parser::read_status_line() noexcept {
    const char* const line = lines_.position();
    const char* const end = lines_.end();
    if (!read_version(lines_, 502, out_.minor_version)) return false;
    const char* p = lines_.position();
    if (end - p < 5) {
        if (p != end && *p != ' ') return lines_.refuse(502, "malformed status line");
        return lines_.need_more();
    }
    const auto digit = [p](int i) { return p[i] - '0'; };
    if (*p != ' ' || digit(1) < 1 || digit(1) > 9 || digit(2) < 0 || digit(2) > 9 || digit(3) < 0 || digit(3) > 9)
        return lines_.refuse(502, "malformed status");
    out_.status = digit(1) * 100 + digit(2) * 10 + digit(3);
    p += 4;
    if (*p != ' ' && *p != '\r' && *p != '\n') return lines_.refuse(502, "malformed status");
    if (*p == ' ') ++p;
    const char* const reason = p;
    p = http1::skip_value(p, end);
    out_.reason = {reason, static_cast<std::size_t>(p - reason)};
    lines_.advance_to(p);
    if (!lines_.read_line_end()) return false;
    if (static_cast<std::size_t>(p - line) > limits_.max_start_line) return lines_.refuse(502, "start line too long");
    return true;
}

// RFC 9112 §6.3.
bool response_parser::judge_body(std::string_view request_method) noexcept {
    out_.body = body_kind::none;
    out_.content_length = 0;
    out_.keep_alive = facts_.keep_alive(out_.minor_version);
    if (!judge_length()) return false;
    const int status = out_.status;
    if (status == 204 && (facts_.transfer_encodings > 0 || facts_.content_length > 0)) {
        // The origin may well send the body that it announces; the next response must not begin with it.
        out_.keep_alive = false;
    }
    if (request_method == "HEAD" || status < 200 || status == 204 || status == 304) return true;
    if (facts_.transfer_encodings > 0) {
        out_.body = body_kind::chunked;
    } else if (facts_.lengths > 0) {
        out_.body = body_kind::length;
        out_.content_length = facts_.content_length;
    } else {
        out_.body = body_kind::until_close;
        out_.keep_alive = false;
    }
    return true;
}

bool response_parser::judge_length() noexcept {
    if (facts_.transfer_encodings > 0) {
        if (facts_.lengths > 0) return lines_.refuse(502, "both Transfer-Encoding and Content-Length");
        if (out_.minor_version == 0) return lines_.refuse(502, "Transfer-Encoding in HTTP/1.0");
        if (!facts_.is_chunked()) return lines_.refuse(502, "Transfer-Encoding that is not chunked");
    }
    if (facts_.bad_length) return lines_.refuse(502, "malformed Content-Length");
    if (facts_.differing_lengths) return lines_.refuse(502, "differing Content-Length");
    return true;
}

}  // namespace

parse_result parse_request_head(std::string_view input, std::size_t already_seen, const http1_limits& limits,
                                request_head& out) {
    const auto window = input.substr(0, limits.max_head);
    if (already_seen == 0 || http1::worth_parsing<line_rule::strict>(window, std::min(already_seen, window.size()))) {
        const auto result = request_parser(window, limits, out).run();
        if (result.status != parse_status::incomplete) return result;
    }
    return http1::check_unfinished(window, limits);
}

parse_result parse_response_head(char* data, std::size_t size, std::size_t already_seen,
                                 std::string_view request_method, const http1_limits& limits, response_head& out) {
    const std::string_view window(data, std::min(size, limits.max_head));
    parse_result result;
    if (already_seen == 0 || http1::worth_parsing<line_rule::lenient>(window, std::min(already_seen, window.size())))
        result = response_parser(data, window.size(), limits, out).run(request_method);
    if (result.status == parse_status::incomplete) result = http1::check_unfinished(window, limits);
    // Whatever an origin did wrong, its visitor sees a bad gateway.
    if (result.status == parse_status::invalid) result.http_status = 502;
    return result;
}

}  // namespace instatunnel::wire
