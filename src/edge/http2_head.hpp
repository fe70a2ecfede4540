#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/edge/http2_limits.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// Gathers the decoded fields of one field section and judges them as the parser of HTTP/1 judges a head, so that an
/// app behind the tunnel cannot be told by one version what the other would refuse (RFC 9113 §8, §10.3). What nghttp2
/// checks (order and number of pseudo-header fields, connection-specific fields, lengths) is not checked again.
class http2_head {
public:
    enum class verdict : std::uint8_t { good, refused, hostile };

    void clear() noexcept;
    /// Gives memory back that a large section left behind.
    void shrink() noexcept;
    /// Copies one field. `hostile`: the section is far beyond what can be served, stop reading.
    verdict add(std::string_view name, std::string_view value, const wire::http1_limits& limits,
                const http2_limits& bounds);
    /// Makes a head of the fields; views into this object. `ended`: no body follows. Extended CONNECT (RFC 8441)
    /// becomes a GET with Upgrade. When refused, status() and reason() say what to answer.
    verdict finish(bool ended, const wire::http1_limits& limits, wire::request_head& out);
    /// The fields of a trailer section; views into this object.
    void trailers(std::vector<wire::field>& out) const;

    bool is_connect() const noexcept { return connect_; }  ///< extended CONNECT; after finish()
    std::size_t size() const noexcept { return size_; }    ///< as RFC 9113 §6.5.2 counts
    int status() const noexcept { return status_; }
    std::string_view reason() const noexcept { return reason_; }

private:
    struct entry {
        std::uint32_t begin;
        std::uint32_t name_size;
        std::uint32_t value_size;
    };
    wire::field at(const entry& e) const noexcept;
    verdict refuse(int status, std::string_view reason) noexcept;
    void note_pseudo(std::string_view name, std::string_view value, wire::request_head& out);
    bool note_field(const wire::field& f, wire::request_head& out);
    void add_cookie(std::string_view value, wire::request_head& out);
    verdict judge_target(const wire::http1_limits& limits, wire::request_head& out);

    std::string text_;
    std::string cookies_;
    std::vector<entry> entries_;
    std::size_t size_ = 0;
    std::string_view scheme_;
    std::string_view protocol_;
    std::string_view host_;
    bool has_length_ = false;
    bool connect_ = false;
    int status_ = 0;
    std::string_view reason_;
};

}  // namespace instatunnel::edge
