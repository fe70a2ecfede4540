#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "instatunnel/wire/itp_frame.hpp"

namespace instatunnel::engine {

/// Payload of one DATA frame with room for the frame's header before it, so that header and payload leave as one TLS
/// record without being copied together.
struct chunk {
    static constexpr std::size_t capacity = wire::itp::max_data_payload;

    chunk* next = nullptr;
    std::uint32_t begin = 0;  ///< first payload byte not yet sent
    std::uint32_t end = 0;
    std::array<char, wire::itp::frame_header_size + capacity> bytes;

    char* payload() noexcept { return bytes.data() + wire::itp::frame_header_size; }
    std::size_t size() const noexcept { return end - begin; }
    std::size_t room() const noexcept { return capacity - end; }
};

/// Chunks of one worker, reused. Keeps at most `max_kept` free ones.
class chunk_pool {
public:
    chunk_pool() = default;
    chunk_pool(const chunk_pool&) = delete;
    chunk_pool& operator=(const chunk_pool&) = delete;
    ~chunk_pool() {
        while (free_ != nullptr)
            delete std::exchange(free_, free_->next);
    }

    chunk* take() {
        if (free_ == nullptr) return new chunk;
        chunk* c = std::exchange(free_, free_->next);
        --kept_;
        c->next = nullptr;
        c->begin = c->end = 0;
        return c;
    }
    void give(chunk* c) noexcept {
        if (kept_ >= max_kept) {
            delete c;
            return;
        }
        c->next = free_;
        free_ = c;
        ++kept_;
    }

private:
    static constexpr std::size_t max_kept = 128;
    chunk* free_ = nullptr;
    std::size_t kept_ = 0;
};

}  // namespace instatunnel::engine
