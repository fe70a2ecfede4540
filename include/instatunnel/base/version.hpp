#pragma once

#include <string_view>

namespace instatunnel {

/// "0.1.0": the project's version, from CMake.
std::string_view version() noexcept;

}  // namespace instatunnel
