#pragma once

#include "context.hpp"

namespace instatunnel::cli {

/// Reads ~/.instatunnel.yaml of an earlier client once and keeps what it says as profile "default", with a notice on
/// stderr. A profile "default" that exists already wins. Never with --config, where the user says which file counts. A
/// failure ends nothing: it is a notice.
void carry_over_legacy(context& c);

}  // namespace instatunnel::cli
