#include "stdio_session.hpp"

#include <algorithm>
#include <utility>

#include "stdio_exchange.hpp"

namespace instatunnel::client {

std::uint64_t stdio_session::open_stream(stdio_exchange& e, std::size_t calls) {
    streams_.emplace(++last_stream_, post_stream{&e, calls});
    return last_stream_;
}

void stdio_session::listen(stdio_exchange& e) {
    if (auto* const before = std::exchange(listener_, &e)) before->finish();
}

bool stdio_session::resume(stdio_exchange& e, std::string_view last_event_id) {
    const auto replay = log_.after(last_event_id);
    if (!replay) return false;
    const auto found = streams_.find(replay->stream);
    if (replay->stream == 0)
        listen(e);
    else if (found != streams_.end()) {
        // The one before may not have noticed yet that its caller has gone.
        if (auto* const before = std::exchange(found->second.carrier, &e)) before->finish();
    }
    e.begin_events();
    for (const auto& event : replay->events)
        if (!event.data.empty()) e.send_event(event.id, event.data);
    if (replay->stream != 0 && found == streams_.end()) e.finish();
    return true;
}

void stdio_session::detach(stdio_exchange& e) {
    if (listener_ == &e) listener_ = nullptr;
    for (auto s = streams_.begin(); s != streams_.end();) {
        if (s->second.carrier != &e) {
            ++s;
            continue;
        }
        s->second.carrier = nullptr;
        if (is_resumable()) {
            ++s;
            continue;
        }
        // From 2026-07-28 on a caller takes a call back by closing its stream.
        const auto number = s->first;
        s = streams_.erase(s);
        server_->forget(*this, &number);
    }
}

void stdio_session::send(std::uint64_t stream, stdio_exchange* carrier, const std::string& message) {
    const auto id = is_resumable() ? log_.append(stream, message) : std::string();
    if (carrier != nullptr) carrier->send_event(id, message);
}

void stdio_session::deliver(std::uint64_t stream, std::string message, bool is_answer) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    auto* const carrier = found->second.carrier;
    const bool is_last = is_answer && --found->second.waiting == 0;
    if (is_last) streams_.erase(found);
    if (is_answer) message = filter_(std::move(message));
    const auto id = is_resumable() ? log_.append(stream, message) : std::string();
    if (carrier == nullptr) return;
    if (is_last)
        carrier->send_last(id, message);
    else
        carrier->send_event(id, message);
}

void stdio_session::hear_answer(std::uint64_t stream, const std::string& method, const std::string& message) {
    const auto then = method == "initialize" ? std::exchange(on_initialized, {}) : nullptr;
    deliver(stream, message, /*is_answer=*/true);
    if (then) then(message);  // may end us
}

void stdio_session::deliver_unasked(std::string message, std::string id) {
    if (!id.empty()) {
        asked_.push_back(std::move(id));
        if (asked_.size() > max_asked) asked_.pop_front();
    }
    // A caller listens to the streams of its calls for certain, to stream 0 if it has opened it.
    for (auto s = streams_.rbegin(); s != streams_.rend(); ++s)
        if (s->second.carrier != nullptr && s->second.carrier->takes_events())
            return send(s->first, s->second.carrier, message);
    send(0, listener_, message);
}

bool stdio_session::take_asked(std::string_view id) {
    const auto found = std::ranges::find(asked_, id);
    if (found == asked_.end()) return false;
    asked_.erase(found);
    return true;
}

void stdio_session::close() {
    const auto streams = std::exchange(streams_, {});
    for (const auto& [number, s] : streams)
        if (s.carrier != nullptr) s.carrier->finish();
    if (auto* const listener = std::exchange(listener_, nullptr)) listener->finish();
}

}  // namespace instatunnel::client
