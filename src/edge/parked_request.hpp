#pragma once

#include <string>
#include <string_view>

#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// The head of a request that waits for another thread: copied out of the buffers of its connection, which others use
/// meanwhile.
class parked_request {
public:
    explicit parked_request(const wire::request_head& head);
    parked_request(const parked_request&) = delete;
    parked_request& operator=(const parked_request&) = delete;

    /// Its views last as long as this.
    const wire::request_head& head() const noexcept { return head_; }

private:
    std::string_view keep(std::string_view text);

    std::string text_;
    wire::request_head head_;
};

}  // namespace instatunnel::edge
