#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

/// Figures that the edge reported and the store does not have yet. add() is for any thread and never waits for the
/// disk.
class usage_ledger {
public:
    void add(const std::string& tunnel_id, std::uint64_t requests, std::uint64_t bytes_in, std::uint64_t bytes_out);
    /// Moves everything to the store; keeps it for the next time if the store fails. On the service's thread.
    outcome<void> flush(store::store& target);

private:
    std::mutex mutex_;
    std::unordered_map<std::string, store::usage_delta> waiting_;
};

}  // namespace instatunnel::service
