#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// HTTP/1.1 messages (RFC 9112) as pure functions over bytes: no sockets, no clock, no allocation beyond the vectors
/// that the caller keeps for reuse. Strict on what visitors send, so that no two parsers can disagree about where a
/// message ends; lenient towards origins only where that cannot change a boundary.
namespace instatunnel::wire {

/// Views into the bytes that were parsed; valid as long as those are.
struct field {
    std::string_view name;
    std::string_view value;
};

enum class body_kind : std::uint8_t {
    none,         ///< no body, whatever the fields say (or nothing says there is one)
    length,       ///< exactly `content_length` bytes
    chunked,      ///< chunked transfer coding, RFC 9112 §7.1
    until_close,  ///< responses only: ends with the connection
};

struct http1_limits {
    std::size_t max_start_line = 16 * 1024;
    std::size_t max_field = 16 * 1024;
    std::size_t max_head = 64 * 1024;
    std::size_t max_fields = 100;
};

struct request_head {
    std::string_view method;
    std::string_view target;  ///< as sent: origin-form, absolute-form or `*`
    /// Path and query to forward; of absolute-form the part behind the authority, or a static "/" where that is empty
    /// ("*" with OPTIONS, RFC 9112 §3.2.4). A URL with a query but no path is refused.
    std::string_view path;
    std::string_view authority;  ///< Host, or the authority of absolute-form (which wins, RFC 9112 §3.2.2)
    int minor_version = 1;       ///< 1.0 or 1.1
    body_kind body = body_kind::none;
    std::uint64_t content_length = 0;  ///< with body_kind::length, where it may be 0
    bool keep_alive = true;            ///< RFC 9112 §9.3: what the visitor wants and understands
    bool expect_continue = false;      ///< HTTP/1.1 only
    std::string_view upgrade;          ///< value of Upgrade when Connection names it on an HTTP/1.1 request, else empty
    std::vector<field> fields;         ///< all of them, in order, as sent
};

struct response_head {
    int status = 0;
    std::string_view reason;
    int minor_version = 1;
    body_kind body = body_kind::none;
    std::uint64_t content_length = 0;  ///< with body_kind::length, where it may be 0
    bool keep_alive = true;            ///< never with until_close
    std::vector<field> fields;         ///< all of them, in order; equal Content-Length may stand there twice
};

enum class parse_status : std::uint8_t { done, incomplete, invalid };

struct parse_result {
    parse_status status = parse_status::incomplete;
    std::size_t consumed = 0;  ///< bytes of the head, with the empty line (only when done)
    int http_status = 0;       ///< when invalid: what to answer a visitor (400, 414, 431, 501, 505)
    std::string_view
        reason;  ///< when invalid: static text naming the rule, e.g. "both Transfer-Encoding and Content-Length"
};

/// Parses a request head from the start of `input`. `already_seen` is the length of the input at the previous call that
/// returned `incomplete` (0 at first): bytes before it are not searched again. `out` is reused, its vector keeps its
/// capacity. One empty line before the request line is skipped (RFC 9112 §2.2).
/// Refuses: bare CR or LF, NUL and other control bytes, obs-fold, blank before a colon, empty or non-token names,
/// a missing or repeated or invalid Host on 1.1, Content-Length that is not one number (lists of the same number too),
/// any Transfer-Encoding but exactly `chunked` (501), Transfer-Encoding on 1.0, Transfer-Encoding with Content-Length,
/// a target that is not origin-form, absolute-form (http, https) or `*` with OPTIONS, CONNECT (501), versions but 1.0
/// and 1.1 (505), anything beyond `limits` (414, 431).
parse_result parse_request_head(std::string_view input, std::size_t already_seen, const http1_limits& limits,
                                request_head& out);

/// Parses a response head of an origin. `request_method` decides about the body (HEAD, RFC 9112 §6.3). Accepts a bare
/// LF as line end, joins obs-fold lines (replaced by blanks in place, hence the mutable buffer) and a missing reason.
/// Refuses a length that cannot be trusted: Transfer-Encoding with Content-Length or on 1.0, differing Content-Length,
/// any Transfer-Encoding but exactly `chunked` (we never ask for another coding, and could not pass one on). 1xx, 204
/// and 304 have no body. `http_status` of a refusal is always 502.
parse_result parse_response_head(char* data, std::size_t size, std::size_t already_seen,
                                 std::string_view request_method, const http1_limits& limits, response_head& out);

/// Decoder of the chunked transfer coding. Strict: CRLF only, hex sizes without sign or blanks, sizes up to 2^60,
/// chunk extensions are read (at most 1 KiB each, tokens and quoted strings only) and dropped.
class chunked_decoder {
public:
    enum class event : std::uint8_t {
        need_more,  ///< all of the input was used
        data,       ///< `data` holds body bytes (a view into the input)
        done,       ///< the last chunk, the trailers and the final empty line were read
        invalid,    ///< malformed; `reason()` says how
    };
    struct step {
        event what = event::need_more;
        std::size_t consumed = 0;
        std::string_view data;
    };

    /// Reads on from `input`; call again with the rest until need_more or done. With `lenient_line_ends` (origins)
    /// a bare LF ends a line.
    explicit chunked_decoder(bool lenient_line_ends = false) : lenient_(lenient_line_ends) {}
    step next(std::string_view input);

    /// Trailer lines as sent ("name: value\r\n"…, without the empty line), validated like fields; bounded by 8 KiB.
    /// Valid after `done`.
    const std::string& trailers() const noexcept { return trailers_; }
    std::string_view reason() const noexcept { return reason_; }
    void reset() noexcept;

private:
    enum class state : std::uint8_t {
        size_start,
        size,
        extension_name_start,
        extension_name,
        extension_value_start,
        extension_value,
        extension_quoted,
        extension_escaped,
        extension_quoted_end,
        size_lf,
        body,
        body_cr,
        body_lf,
        trailer_line,
        trailer_lf,
        end_lf,
        done,
        failed,
    };
    void move_to(state s) noexcept { state_ = s; }
    void fail(std::string_view reason) noexcept;
    void on_framing_byte(char c);
    void on_size_byte(char c);
    void on_extension_byte(char c);
    void on_trailer_byte(char c);
    void end_size_line(char c, std::string_view otherwise);
    void begin_chunk() noexcept;
    void end_trailer_line();

    bool lenient_ = false;
    state state_ = state::size_start;
    std::uint8_t size_digits_ = 0;
    std::uint64_t remaining_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t line_start_ = 0;
    std::string trailers_;
    std::string_view reason_;
};

/// Splits validated field lines ("name: value\r\n"…, as chunked_decoder::trailers gives them) into views.
/// False if a line is not a valid field; `out` then holds the fields before it.
bool parse_field_lines(std::string_view lines, std::vector<field>& out);

/// Appends "<size in hex>\r\n" of a chunk; the caller appends the bytes and "\r\n".
void append_chunk_header(std::string& out, std::size_t size);

/// Appends "<name>: <value>\r\n"; neither is looked at.
void append_field(std::string& out, std::string_view name, std::string_view value);

/// "Not Found" for 404 …; "Unknown" for a status without a registered phrase (RFC 9110 §15, IANA registry).
std::string_view reason_phrase(int status) noexcept;

bool is_token(std::string_view text) noexcept;        ///< RFC 9110 §5.6.2, at least one character
bool is_field_value(std::string_view text) noexcept;  ///< RFC 9110 §5.5: no CR, LF, NUL or other control bytes but HTAB

/// Host with an optional port, as a request may name them: a name of letters, digits and "-._~", or an address.
bool is_authority(std::string_view text) noexcept;
/// Path and query in origin-form (RFC 9112 §3.2.1): begins with a slash, visible ASCII but "#".
bool is_request_path(std::string_view text) noexcept;

/// Whether a comma-separated list holds `token` (case-insensitive, blanks trimmed), as in Connection or Upgrade.
bool list_has_token(std::string_view list, std::string_view token) noexcept;

/// Fields that end at this hop (RFC 9110 §7.6.1): the fixed ones, by name only. Fields that Connection names are the
/// caller's to remove with list_has_token.
bool is_hop_by_hop(std::string_view name) noexcept;

}  // namespace instatunnel::wire
