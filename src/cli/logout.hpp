#pragma once

#include "context.hpp"

namespace instatunnel::cli {

struct logout_options {};
/// Forgets the stored key. One that login made is revoked first; when that fails the key is removed all the same, a
/// notice says what is left to do, and the exit code is still 0: this machine is signed out, which is what was asked.
outcome<exit_code> run_logout(const logout_options& options, context& c);

}  // namespace instatunnel::cli
