#pragma once

#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/engine/session.hpp"

namespace instatunnel::client {

/// What a code of the tunnel protocol means to the person whose tunnel it is.
errc errc_for(engine::code why);

/// The same with the edge's own words, where they say more than ours and can be shown. A line break in `text` parts
/// what happened from what to do.
failure failure_for(engine::code why, std::string_view text);

}  // namespace instatunnel::client
