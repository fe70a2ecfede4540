#include "memory_watch.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "instatunnel/base/log.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::edge {
namespace {

std::size_t page_size() noexcept {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The `nth` number of a file's first line; 0: there is no such file, or it holds none ("max"). Takes no memory: it is
// asked when there is little.
std::size_t read_number(const char* path, int nth) noexcept {
    char text[256];
    const unique_fd file(::open(path, O_RDONLY | O_CLOEXEC));
    const auto size = file ? ::read(file.get(), text, sizeof text) : -1;
    if (size <= 0) return 0;
    const char* at = text;
    const char* const end = text + size;
    std::size_t value = 0;
    for (int i = 0; i <= nth; ++i) {
        while (at != end && *at == ' ')
            ++at;
        const auto read = std::from_chars(at, end, value);
        if (read.ec != std::errc()) return 0;
        at = read.ptr;
    }
    return value;
}

}  // namespace

std::size_t resident_memory() noexcept {
    return read_number("/proc/self/statm", 1) * page_size();
}

std::size_t default_memory_budget() noexcept {
    const auto machine = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
    const auto group = read_number("/sys/fs/cgroup/memory.max", 0);
    return (group == 0 ? machine : std::min(machine, group)) / 4 * 3;
}

void memory_watch::look() noexcept {
    auto held = resident_memory();
    if (held > budget_) {
        ::malloc_trim(0);
        held = resident_memory();
    }
    if (held == 0) return;  // without a descriptor to ask with nothing is known, and nothing changes
    const bool full = held > budget_;
    if (full != full_) {
        if (full)
            log::error("memory.full").with("held", held).with("limit", "memory").with("budget", budget_);
        else
            log::info("memory.freed").with("held", held);
    }
    full_ = full;
}

}  // namespace instatunnel::edge
