#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "instatunnel/auth/password.hpp"
#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/service/service.hpp"

namespace instatunnel::service {

/// What a test changes: time, and the cost of a password. service::open uses the values here.
struct tuning {
    auth::password_cost password_cost;
    std::size_t queue = 1000;                ///< calls that wait for the service's thread
    std::size_t password_queue = 32;         ///< sign-ins that wait for a password thread
    std::chrono::milliseconds tick{1000};    ///< between two looks at counters, keys and what is to be thrown away
    std::function<void()> on_tick;           ///< at the end of each one; may be empty
    std::function<void()> on_password_hash;  ///< before each argon2id computation; may be empty
    std::function<wall_time()> now = wall_now;
    std::function<auth::steady_time()> steady = std::chrono::steady_clock::now;
};

/// Errors: those of service::open.
outcome<std::unique_ptr<service>> open_tuned(service_options options, tuning t);

}  // namespace instatunnel::service
