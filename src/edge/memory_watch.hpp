#pragma once

#include <cstddef>

namespace instatunnel::edge {

/// Bytes of memory that the process holds now (resident); 0: the system does not say.
std::size_t resident_memory() noexcept;

/// What an edge may hold unless its owner says otherwise: three quarters of the machine's memory, or of what the
/// process's control group may have.
std::size_t default_memory_budget() noexcept;

/// Whether the process is beyond its budget, asked once in a while: newcomers are turned away meanwhile. Memory that
/// was given back is returned to the system first, or the answer would never change.
class memory_watch {
public:
    void set_budget(std::size_t bytes) noexcept { budget_ = bytes; }
    void look() noexcept;
    bool is_full() const noexcept { return full_; }

private:
    std::size_t budget_ = 0;
    bool full_ = false;
};

}  // namespace instatunnel::edge
