#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "instatunnel/engine/session.hpp"

namespace instatunnel::engine {

/// Streams by id: open addressing with linear probing and backward-shift deletion, so that opening and closing a stream
/// allocates nothing once the table has its size.
class stream_table {
public:
    stream_table() : slots_(64) {}

    stream* find(std::uint32_t id) const noexcept {
        for (std::size_t i = home(id);; i = next(i)) {
            if (slots_[i].id == id) return slots_[i].value;
            if (slots_[i].id == 0) return nullptr;
        }
    }

    void insert(std::uint32_t id, stream* value) {
        if ((size_ + 1) * 2 > slots_.size()) grow();
        place(id, value);
        ++size_;
    }

    void erase(std::uint32_t id) noexcept {
        std::size_t hole = home(id);
        while (slots_[hole].id != id) {
            if (slots_[hole].id == 0) return;
            hole = next(hole);
        }
        --size_;
        for (std::size_t i = next(hole); slots_[i].id != 0; i = next(i)) {
            const std::size_t ideal = home(slots_[i].id);
            // Moves back only what would become unreachable behind the hole.
            if (((i - ideal) & mask()) >= ((i - hole) & mask())) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole] = {};
    }

    std::size_t size() const noexcept { return size_; }
    std::vector<std::uint32_t> ids() const {
        std::vector<std::uint32_t> found;
        for (const auto& s : slots_)
            if (s.id != 0) found.push_back(s.id);
        return found;
    }

private:
    struct slot {
        std::uint32_t id = 0;
        stream* value = nullptr;
    };
    std::size_t mask() const noexcept { return slots_.size() - 1; }
    std::size_t home(std::uint32_t id) const noexcept { return (id * 0x9E3779B1u >> 8) & mask(); }
    std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }
    void place(std::uint32_t id, stream* value) noexcept {
        std::size_t i = home(id);
        while (slots_[i].id != 0)
            i = next(i);
        slots_[i] = {id, value};
    }
    void grow() {
        auto old = std::exchange(slots_, std::vector<slot>(slots_.size() * 2));
        for (const auto& s : old)
            if (s.id != 0) place(s.id, s.value);
    }

    std::vector<slot> slots_;
    std::size_t size_ = 0;
};

}  // namespace instatunnel::engine
