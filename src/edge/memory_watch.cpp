#include "memory_watch.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "instatunnel/base/log.hpp"

namespace instatunnel::edge {
namespace {

std::size_t page_size() noexcept {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// 0: there is no such file, or it holds no number ("max").
std::size_t read_number(const char* path) {
    std::ifstream file(path);
    std::size_t value = 0;
    file >> value;
    return file ? value : 0;
}

}  // namespace

std::size_t resident_memory() noexcept {
    std::ifstream file("/proc/self/statm");
    std::size_t whole = 0, resident = 0;
    file >> whole >> resident;
    return file ? resident * page_size() : 0;
}

std::size_t default_memory_budget() noexcept {
    const auto machine = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
    const auto group = read_number("/sys/fs/cgroup/memory.max");
    return (group == 0 ? machine : std::min(machine, group)) / 4 * 3;
}

void memory_watch::look() noexcept {
    auto held = resident_memory();
    if (held > budget_) {
        ::malloc_trim(0);
        held = resident_memory();
    }
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
