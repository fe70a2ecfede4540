#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

namespace instatunnel::client {

/// Gathers the decoded fields of one field section of the app, and checks what nghttp2 does not: nothing that the
/// tunnel has no form for may get into it.
class http2_section {
public:
    void clear() noexcept;
    /// Gives memory back that a large section left behind.
    void shrink() noexcept;
    /// Copies one field. False: the section is far beyond what can be carried, stop reading.
    bool add(std::string_view name, std::string_view value);

    /// Why it cannot be carried (static text); empty: it can.
    std::string_view fault() const noexcept { return fault_; }
    /// 0: not the head of a reply.
    int status() const noexcept { return status_; }
    /// -1: none was told.
    std::int64_t content_length() const noexcept { return content_length_; }
    bool is_event_stream() const noexcept { return event_stream_; }
    /// Without pseudo-header fields, Content-Length and what ends at this hop. Views into this object.
    void fields(std::vector<wire::field>& out) const;

private:
    struct entry {
        std::uint32_t begin;
        std::uint32_t name_size;
        std::uint32_t value_size;
    };
    void note(std::string_view name, std::string_view value);

    std::string text_;
    std::vector<entry> entries_;
    std::size_t size_ = 0;
    std::size_t count_ = 0;
    std::int64_t content_length_ = -1;
    int status_ = 0;
    bool event_stream_ = false;
    std::string_view fault_;
};

}  // namespace instatunnel::client
