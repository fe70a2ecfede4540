#pragma once

#include <cstddef>
#include <list>

namespace instatunnel::edge {

/// Somebody whose tunnel cannot take them at this moment.
class parked {
public:
    /// Goes to the tunnel now, leaving the parking. False: there is no room yet.
    virtual bool set_out() = 0;
    /// The tunnel has ended: leaves the parking and is told so.
    virtual void turn_away() = 0;

protected:
    ~parked() = default;
};

/// Those who wait at one tunnel, first come first served: until its client is back, or until it has begun with what it
/// was sent. How many may wait and how much they may hold is the caller's to check before enter() and hold().
class parking {
public:
    using place = std::list<parked*>::iterator;

    std::size_t size() const noexcept { return waiting_.size(); }
    bool empty() const noexcept { return waiting_.empty(); }
    std::size_t bytes_held() const noexcept { return bytes_held_; }

    place enter(parked& who) { return waiting_.insert(waiting_.end(), &who); }
    void leave(place p) noexcept { waiting_.erase(p); }
    void hold(std::size_t bytes) noexcept { bytes_held_ += bytes; }
    void let_go(std::size_t bytes) noexcept { bytes_held_ -= bytes; }
    /// Bodies have a limit of their own.
    std::size_t bodies_held() const noexcept { return bodies_held_; }
    void hold_body(std::size_t bytes) noexcept { bodies_held_ += bytes; }
    void let_go_body(std::size_t bytes) noexcept { bodies_held_ -= bytes; }

    /// As many as the tunnel takes.
    void release() {
        while (!waiting_.empty() && waiting_.front()->set_out()) {
        }
    }
    void turn_all_away() {
        while (!waiting_.empty())
            waiting_.front()->turn_away();
    }

private:
    std::list<parked*> waiting_;
    std::size_t bytes_held_ = 0;
    std::size_t bodies_held_ = 0;
};

}  // namespace instatunnel::edge
