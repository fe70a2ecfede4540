#include "instatunnel/engine/scheduler.hpp"

namespace instatunnel::engine {

void scheduler::push(schedule_link& link, priority p) noexcept {
    const auto queue = static_cast<std::uint8_t>(p);
    if (link.queue == queue) return;
    remove(link);
    auto& to = list_of(queue);
    link.queue = queue;
    link.prev = to.last;
    link.next = nullptr;
    (to.last != nullptr ? to.last->next : to.first) = &link;
    to.last = &link;
}

void scheduler::remove(schedule_link& link) noexcept {
    if (link.queue == 0) return;
    auto& from = list_of(link.queue);
    (link.prev != nullptr ? link.prev->next : from.first) = link.next;
    (link.next != nullptr ? link.next->prev : from.last) = link.prev;
    link = {};
}

schedule_link* scheduler::pop() noexcept {
    const bool bulk_turn =
        interactive_.first == nullptr || (bulk_.first != nullptr && interactive_run_ >= interactive_weight);
    schedule_link* chosen = bulk_turn ? bulk_.first : interactive_.first;
    if (chosen == nullptr) return nullptr;
    interactive_run_ = bulk_turn ? 0 : interactive_run_ + 1;
    remove(*chosen);
    return chosen;
}

}  // namespace instatunnel::engine
