#include "http2_head.hpp"

#include <charconv>
#include <utility>

#include "instatunnel/base/names.hpp"

namespace instatunnel::edge {
namespace {

constexpr std::size_t field_overhead = 32;  // RFC 9113 §6.5.2
constexpr std::size_t kept_capacity = 4096;

}  // namespace

void http2_head::clear() noexcept {
    text_.clear();
    cookies_.clear();
    entries_.clear();
    size_ = 0;
    scheme_ = protocol_ = host_ = reason_ = {};
    has_length_ = connect_ = false;
    status_ = 0;
}

void http2_head::shrink() noexcept {
    clear();
    if (text_.capacity() > kept_capacity) std::string().swap(text_);
    if (cookies_.capacity() > kept_capacity) std::string().swap(cookies_);
}

http2_head::verdict http2_head::refuse(int status, std::string_view reason) noexcept {
    if (status_ == 0) {
        status_ = status;
        reason_ = reason;
    }
    return verdict::refused;
}

http2_head::verdict http2_head::add(std::string_view name, std::string_view value, const wire::http1_limits& limits,
                                    const http2_limits& bounds) {
    size_ += name.size() + value.size() + field_overhead;
    if (size_ > bounds.hostile_section || entries_.size() >= bounds.hostile_fields) return verdict::hostile;
    entries_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size())});
    if (status_ != 0) return verdict::refused;  // counted, but not kept
    const bool is_path = name == ":path";
    if (is_path && value.size() > limits.max_start_line) return refuse(414, "start line too long");
    if (!is_path && name.size() + value.size() > limits.max_field) return refuse(431, "field line too long");
    if (size_ > limits.max_head) return refuse(431, "head too long");
    text_.append(name).append(value);
    return verdict::good;
}

wire::field http2_head::at(const entry& e) const noexcept {
    const std::string_view all(text_);
    return {all.substr(e.begin, e.name_size), all.substr(e.begin + e.name_size, e.value_size)};
}

void http2_head::note_pseudo(std::string_view name, std::string_view value, wire::request_head& out) {
    if (name == ":method")
        out.method = value;
    else if (name == ":path")
        out.target = out.path = value;
    else if (name == ":authority")
        out.authority = value;
    else if (name == ":scheme")
        scheme_ = value;
    else if (name == ":protocol")
        protocol_ = value;
}

// Crumbs of one cookie string (RFC 9113 §8.2.3): an app of HTTP/1 expects one line.
void http2_head::add_cookie(std::string_view value, wire::request_head& out) {
    if (cookies_.empty()) out.fields.push_back({"cookie", {}});
    if (!cookies_.empty()) cookies_ += "; ";
    cookies_ += value;
}

bool http2_head::note_field(const wire::field& f, wire::request_head& out) {
    if (!wire::is_token(f.name) || !wire::is_field_value(f.value)) return false;
    if (f.name == "cookie") {
        add_cookie(f.value, out);
        return true;
    }
    if (f.name == "host") host_ = f.value;
    if (f.name == "expect" && wire::list_has_token(f.value, "100-continue")) out.expect_continue = true;
    if (f.name == "content-length") {
        const auto [end, ec] = std::from_chars(f.value.data(), f.value.data() + f.value.size(), out.content_length);
        has_length_ = true;
        if (ec != std::errc() || end != f.value.data() + f.value.size() || out.content_length > INT64_MAX) return false;
    }
    out.fields.push_back(f);
    return true;
}

http2_head::verdict http2_head::finish(bool ended, const wire::http1_limits& limits, wire::request_head& out) {
    auto fields = std::move(out.fields);  // its memory is used again
    fields.clear();
    out = {};
    out.fields = std::move(fields);
    if (status_ != 0) return verdict::refused;
    std::size_t regular = 0;
    for (const auto& e : entries_) {
        const auto f = at(e);
        if (f.name.starts_with(':')) {
            note_pseudo(f.name, f.value, out);
            continue;
        }
        ++regular;
        if (!note_field(f, out)) return refuse(400, "malformed field");
    }
    if (regular > limits.max_fields) return refuse(431, "too many fields");
    for (auto& f : out.fields)
        if (f.name == "cookie") f.value = cookies_;
    const auto judged = judge_target(limits, out);
    if (judged != verdict::good) return judged;
    if (!ended && !connect_) out.body = has_length_ ? wire::body_kind::length : wire::body_kind::chunked;
    return verdict::good;
}

http2_head::verdict http2_head::judge_target(const wire::http1_limits&, wire::request_head& out) {
    if (!wire::is_token(out.method)) return refuse(400, "malformed method");
    connect_ = out.method == "CONNECT" && !protocol_.empty();
    if (out.method == "CONNECT" && !connect_) return refuse(501, "CONNECT");
    if (connect_ && (!wire::is_token(protocol_) || protocol_.size() > 255)) return refuse(400, "malformed :protocol");
    if (!iequals(scheme_, "https") && !iequals(scheme_, "http"))
        return refuse(400, "a scheme that is neither http nor https");
    const bool asterisk = out.path == "*" && out.method == "OPTIONS";
    if (!asterisk && !wire::is_request_path(out.path)) return refuse(400, "malformed request target");
    if (out.authority.empty()) out.authority = host_;
    if (!wire::is_authority(out.authority)) return refuse(400, "malformed authority");
    if (!host_.empty() && !iequals(host_, out.authority)) return refuse(400, "Host that differs from the authority");
    if (connect_) {
        out.method = "GET";
        out.upgrade = protocol_;
        out.expect_continue = false;
    }
    return verdict::good;
}

void http2_head::trailers(std::vector<wire::field>& out) const {
    out.clear();
    if (status_ != 0) return;
    for (const auto& e : entries_) {
        const auto f = at(e);
        if (wire::is_token(f.name) && wire::is_field_value(f.value)) out.push_back(f);
    }
}

}  // namespace instatunnel::edge
