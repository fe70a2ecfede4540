#include "instatunnel/wire/itp_head.hpp"

#include <algorithm>

#include "byte_reader.hpp"
#include "instatunnel/wire/itp_frame.hpp"
#include "itp_names.hpp"

namespace instatunnel::wire::itp {
namespace {

constexpr std::size_t max_fields = 1000;

// Grows a string once for everything a head needs, then writes without checks.
class writer {
public:
    writer(std::string& out, std::size_t bound) : out_(out), start_(out.size()) {
        out_.resize(start_ + bound);
        at_ = out_.data() + start_;
    }
    ~writer() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    void u8(std::uint8_t v) { *at_++ = static_cast<char>(v); }
    void u16(std::size_t v) {
        put_u16(at_, static_cast<std::uint16_t>(v));
        at_ += 2;
    }
    void u32(std::uint32_t v) {
        put_u32(at_, v);
        at_ += 4;
    }
    void u64(std::uint64_t v) {
        put_u64(at_, v);
        at_ += 8;
    }
    void bytes(std::string_view v) { at_ = std::copy(v.begin(), v.end(), at_); }
    void text8(std::string_view v) {
        u8(static_cast<std::uint8_t>(v.size()));
        bytes(v);
    }
    void text16(std::string_view v) {
        u16(v.size());
        bytes(v);
    }

private:
    std::string& out_;
    std::size_t start_;
    char* at_;
};

std::size_t fields_bound(const std::vector<field>& fields) {
    std::size_t bound = 2;
    for (const auto& f : fields)
        bound += 4 + f.name.size() + f.value.size();
    return bound;
}

void write_fields(writer& w, const std::vector<field>& fields) {
    w.u16(fields.size());
    for (const auto& f : fields) {
        const std::uint8_t name = code_of_name(f.name);
        w.u8(name);
        if (name == 0) w.text8(f.name.substr(0, 255));
        w.text16(f.value);
    }
}

void read_fields(byte_reader& r, std::vector<field>& out) {
    out.clear();
    const std::size_t count = r.u16();
    if (count > max_fields) r.fail();
    for (std::size_t i = 0; i < count && r.good(); ++i) {
        const std::uint8_t code = r.u8();
        const std::string_view name = code == 0 ? r.bytes(r.u8()) : name_of_code(code);
        const std::string_view value = r.bytes(r.u16());
        // Names with a code are known to be good; everything else came from a peer we do not trust.
        if (code == 0 ? !is_token(name) || is_hop_by_hop(name) : name.empty()) r.fail();
        if (!is_field_value(value)) r.fail();
        out.push_back({name, value});
    }
}

constexpr std::string_view methods[] = {"",      "GET",     "HEAD",  "POST",     "PUT",    "DELETE",
                                        "PATCH", "OPTIONS", "TRACE", "PROPFIND", "CONNECT"};

bool is_path(std::string_view path) {
    if (path.empty()) return false;
    return std::ranges::all_of(path, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > ' ' && byte != 127;
    });
}

std::uint8_t method_code(std::string_view method) {
    const auto* known = std::find(std::begin(methods) + 1, std::end(methods), method);
    return known == std::end(methods) ? std::uint8_t{0} : static_cast<std::uint8_t>(known - std::begin(methods));
}

void write_address(writer& w, const visitor_address& a) {
    w.u8(a.family);
    const std::size_t size = a.family == 4 ? 4 : a.family == 6 ? 16 : 0;
    w.bytes({reinterpret_cast<const char*>(a.bytes.data()), size});
    w.u16(a.port);
}

void read_address(byte_reader& r, visitor_address& a) {
    a.family = r.u8();
    if (a.family != 0 && a.family != 4 && a.family != 6) r.fail();
    const auto bytes = r.bytes(a.family == 4 ? 4 : a.family == 6 ? 16 : 0);
    std::copy(bytes.begin(), bytes.end(), a.bytes.begin());
    a.port = r.u16();
}

void read_http(byte_reader& r, open_head& out) {
    out.https = r.u8() == 1;
    out.http_version = r.u8();
    const std::uint8_t code = r.u8();
    if (code >= std::size(methods)) r.fail();
    out.method = code == 0 ? r.bytes(r.u8()) : methods[r.good() ? code : 0];
    out.authority = r.bytes(r.u16());
    out.path = r.bytes(r.u16());
    out.protocol = r.bytes(r.u8());
    out.content_length = static_cast<std::int64_t>(r.u64());
    read_fields(r, out.fields);
    if (!is_token(out.method) || !is_path(out.path) || !is_field_value(out.authority) || out.content_length < -1)
        r.fail();
    if (!out.protocol.empty() && !is_field_value(out.protocol)) r.fail();
}

}  // namespace

std::string_view kind_name(stream_kind kind) noexcept {
    switch (kind) {
        case stream_kind::tcp:
            return "tcp";
        case stream_kind::tls:
            return "tls";
        case stream_kind::http:
            break;
    }
    return "http";
}

std::optional<stream_kind> parse_kind(std::string_view name) noexcept {
    for (const auto kind : {stream_kind::http, stream_kind::tcp, stream_kind::tls})
        if (name == kind_name(kind)) return kind;
    return std::nullopt;
}

void encode_open(std::string& out, const open_head& head) {
    writer w(out, 80 + head.method.size() + head.authority.size() + head.path.size() + head.protocol.size() +
                      fields_bound(head.fields));
    w.u8(static_cast<std::uint8_t>(head.kind));
    w.u32(head.tunnel);
    w.u64(head.request_id);
    write_address(w, head.visitor);
    if (head.kind != stream_kind::http) return write_address(w, head.destination);
    w.u8(head.https ? 1 : 0);
    w.u8(head.http_version);
    const auto method = method_code(head.method);
    w.u8(method);
    if (method == 0) w.text8(head.method.substr(0, 255));
    w.text16(head.authority);
    w.text16(head.path);
    w.text8(head.protocol.substr(0, 255));
    w.u64(static_cast<std::uint64_t>(head.content_length));
    write_fields(w, head.fields);
}

bool decode_open(std::string_view payload, open_head& out) {
    byte_reader r(payload);
    out.method = out.authority = out.path = out.protocol = {};
    out.fields.clear();
    out.kind = static_cast<stream_kind>(r.u8());
    out.tunnel = r.u32();
    out.request_id = r.u64();
    read_address(r, out.visitor);
    if (out.kind == stream_kind::http)
        read_http(r, out);
    else if (out.kind == stream_kind::tcp || out.kind == stream_kind::tls)
        read_address(r, out.destination);
    else
        return false;
    return r.finished();
}

void encode_reply(std::string& out, const reply_head& head) {
    writer w(out, 10 + fields_bound(head.fields));
    w.u16(head.status);
    w.u64(static_cast<std::uint64_t>(head.content_length));
    write_fields(w, head.fields);
}

bool decode_reply(std::string_view payload, reply_head& out) {
    byte_reader r(payload);
    out.status = r.u16();
    out.content_length = static_cast<std::int64_t>(r.u64());
    read_fields(r, out.fields);
    return r.finished() && out.status >= 100 && out.status <= 999 && out.content_length >= -1;
}

std::string_view take_upgrade(const reply_head& head, std::string_view offered) noexcept {
    const bool told = !head.fields.empty() && head.fields.front().name == upgrade_field;
    return told ? head.fields.front().value : offered;
}

void encode_fields(std::string& out, const std::vector<field>& fields) {
    writer w(out, fields_bound(fields));
    write_fields(w, fields);
}

bool decode_fields(std::string_view payload, std::vector<field>& out) {
    byte_reader r(payload);
    read_fields(r, out);
    return r.finished();
}

}  // namespace instatunnel::wire::itp
