#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace instatunnel {

/// Cryptographic random bytes (RAND_bytes). Ends the process if the system has none: nothing safe can be done then.
void fill_random(std::span<unsigned char> out);
std::uint64_t random_u64();
/// Uniform in [0, bound), bound > 0.
std::uint64_t random_below(std::uint64_t bound);
/// `length` characters of [A-Za-z0-9], uniform (5.95 bits each).
std::string random_base62(std::size_t length);

}  // namespace instatunnel
