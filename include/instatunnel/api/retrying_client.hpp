#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "instatunnel/api/http_client.hpp"

namespace instatunnel::api {

/// How long a request may go on when the server says "not now".
struct retry_policy {
    int max_tries = 5;
    /// All waits of one request together: the minute that a rate limit lasts, and room for one more short wait.
    std::chrono::milliseconds max_total_wait = std::chrono::seconds(90);
    /// First wait where the server names none; doubles with every try.
    std::chrono::milliseconds first_wait = std::chrono::seconds(1);
    std::chrono::milliseconds longest_wait = std::chrono::seconds(30);
};

/// What a retry takes from outside; tests fake it. None may be empty.
struct retry_seams {
    std::function<void(std::chrono::milliseconds)> sleep;
    /// Told before each wait, so that nobody sits in front of a silent program.
    std::function<void(std::chrono::milliseconds)> before_wait;
    std::function<double()> random;  ///< uniform in [0, 1)
};

/// A client that repeats a request the server refused for now (429, 503): as long as the server asks (`Retry-After`,
/// or `retry_after` of the body) and up to a tenth more, else with exponential back-off and jitter, so that clients
/// that were refused together do not come back together. Only idempotent methods (RFC 9110 §9.2.2) are repeated:
/// anything else may have had its effect. When the server asks for more time than the policy has left, its refusal is
/// returned at once.
std::unique_ptr<http_client> make_retrying_client(std::unique_ptr<http_client> inner, retry_policy policy,
                                                  retry_seams seams);

/// Sleeps for real, with the system's random numbers.
retry_seams real_retry_seams(std::function<void(std::chrono::milliseconds)> before_wait);

}  // namespace instatunnel::api
