#pragma once

#include "credentials.hpp"

namespace instatunnel::cli {

/// What only the command line knows about a failure: of a "no" to the key in use where the key comes from, how it ends
/// and how long it is (a cut key is seen by that), and what to do about a key from there; of a server that is not found
/// whether anybody chose it. Other failures are returned as they are.
failure explain_failure(const failure& f, const credentials& in_use);

}  // namespace instatunnel::cli
