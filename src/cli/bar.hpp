#pragma once

#include <cstdint>
#include <string>

namespace instatunnel::cli {

/// A bar of at most `width` characters whose length is to `width` as `value` is to `largest`; in eighths of a
/// character. Something that is more than nothing is seen.
std::string bar(double value, double largest, std::size_t width);

}  // namespace instatunnel::cli
