#pragma once

#include <cstddef>

namespace instatunnel::app {

/// As many descriptors as the system allows: every visitor of an edge is one, and every file that a directory's
/// visitors read at the moment. The default soft limit is far below. Call it before threads start.
void raise_descriptor_limit();
/// How many descriptors the process may have open.
std::size_t descriptor_limit();

}  // namespace instatunnel::app
