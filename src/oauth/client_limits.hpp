#pragma once

#include <cstddef>

/// What a client may have, whether it registers or is described by a document.
namespace instatunnel::oauth {

inline constexpr std::size_t max_redirect_uris = 16;

}  // namespace instatunnel::oauth
