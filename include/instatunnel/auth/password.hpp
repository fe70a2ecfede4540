#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::auth {

inline constexpr std::size_t min_password_length = 8;
inline constexpr std::size_t max_password_length = 1024;

/// Work of one argon2id computation (RFC 9106). The default needs about a tenth of a second.
struct password_cost {
    std::uint32_t memory_kib = 64 * 1024;
    std::uint32_t passes = 3;
    std::uint32_t lanes = 1;
};

/// argon2id string "$argon2id$v=19$m=65536,t=3,p=1$salt$hash" with 16 random bytes of salt and 32 of hash. Slow.
/// Errors: busy (no memory for the computation now).
outcome<std::string> hash_password(const secret& password, const password_cost& cost);
/// False also for a string that is not an argon2id one. Slow: costs what the string says.
bool verify_password(const secret& password, const std::string& hash);
/// No password matches it, and finding that out costs the same as for a real one: checked in place of the hash of an
/// account that does not exist, so that the time of the answer does not tell.
std::string decoy_hash(const password_cost& cost);

/// Computes password hashes on threads of its own, a bounded number at once (each takes 64 MiB). They stand behind the
/// other threads of the process for the processor.
class password_pool {
public:
    static constexpr int niceness = 10;

    struct options {
        password_cost cost;
        std::size_t threads = 2;
        std::size_t queue = 32;                ///< waiting, beside those that are computed
        std::function<void()> on_computation;  ///< called before each one, on the pool's thread; may be empty
    };

    explicit password_pool(options o);
    ~password_pool();
    password_pool(const password_pool&) = delete;
    password_pool& operator=(const password_pool&) = delete;

    /// The callback runs on a thread of the pool. Errors, at once and without a callback: busy (queue full, or
    /// stopped). An empty `hash` is compared against the decoy: false, at the same cost.
    outcome<void> verify(secret password, std::string hash, std::function<void(bool)> done);
    outcome<void> hash(secret password, std::function<void(outcome<std::string>)> done);

    /// Finishes what is queued, then ends the threads. Idempotent.
    void stop();

private:
    outcome<void> post(std::function<void()> job);
    void run();

    options options_;
    std::string decoy_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace instatunnel::auth
