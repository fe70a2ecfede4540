#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

#include "instatunnel/client/recording.hpp"

namespace instatunnel::cli {

/// A recorded request as one line of a list: who asked what, and how it ended.
nlohmann::json recorded_row(const client::recorded& r);
/// All of it. Of each body at most `body_limit` bytes: as `text` when they are UTF-8 without control characters, else
/// as `base64`.
nlohmann::json recorded_whole(const client::recorded& r, std::size_t body_limit);

/// Schemas of both, for results of tools.
nlohmann::json recorded_row_schema();
nlohmann::json recorded_whole_schema();

}  // namespace instatunnel::cli
