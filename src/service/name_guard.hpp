#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/service/service.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

inline constexpr std::uint64_t max_blocked_names = 10'000;

/// Names that the owner of the edge has blocked or taken back. On the service's thread. Remembers what is blocked;
/// forget() when the data may have changed.
class name_guard {
public:
    /// `data` outlives the guard.
    explicit name_guard(store::store& data) : data_(data) {}

    /// Errors: name_reserved (blocked, with the reason), store_failed.
    outcome<void> check(std::string_view name);
    /// Ends connected tunnels whose name is blocked or not leased to their account any more; says why to each client.
    outcome<void> end_lost_tunnels(live_tunnels& edge);
    void forget() noexcept { blocked_.reset(); }

private:
    outcome<void> check_running(const live_tunnel& t);

    store::store& data_;
    std::optional<std::vector<store::blocked_name>> blocked_;
};

/// What whoever asks for a blocked name is told.
failure name_is_blocked(std::string_view name, const store::blocked_name& by);

}  // namespace instatunnel::service
