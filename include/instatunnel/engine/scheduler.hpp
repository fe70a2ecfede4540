#pragma once

#include <cstddef>
#include <cstdint>

namespace instatunnel::engine {

/// Place of a stream in the scheduler; embedded in the stream.
struct schedule_link {
    schedule_link* prev = nullptr;
    schedule_link* next = nullptr;
    std::uint8_t queue = 0;  ///< 0: not queued
};

enum class priority : std::uint8_t { interactive = 1, bulk = 2 };

/// Decides which stream sends next on a lane. Two classes: interactive streams (the first bytes of anything, messages)
/// go before bulk ones but never starve them: of nine turns at least one is bulk's while both wait. Inside a class
/// streams take turns. Pure: no stream is touched but for its link.
class scheduler {
public:
    static constexpr unsigned interactive_weight = 8;

    bool empty() const noexcept { return interactive_.first == nullptr && bulk_.first == nullptr; }
    bool is_queued(const schedule_link& link) const noexcept { return link.queue != 0; }

    /// Queues at the end of its class; moves it if it stands in the other one.
    void push(schedule_link& link, priority p) noexcept;
    void remove(schedule_link& link) noexcept;
    /// Takes the next stream out; null if none waits.
    schedule_link* pop() noexcept;

private:
    struct list {
        schedule_link* first = nullptr;
        schedule_link* last = nullptr;
    };
    list& list_of(std::uint8_t queue) noexcept { return queue == 1 ? interactive_ : bulk_; }

    list interactive_;
    list bulk_;
    unsigned interactive_run_ = 0;
};

}  // namespace instatunnel::engine
