#pragma once

#include "credentials.hpp"

namespace instatunnel::cli {

/// The server's "no" to the key in use, told with what only the client knows: where the key comes from, how it ends
/// and how long it is (a cut key is seen by that), and what to do about a key from there. Other failures are returned
/// as they are.
failure explain_key_problem(const failure& f, const credentials& in_use);

}  // namespace instatunnel::cli
