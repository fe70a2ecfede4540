#pragma once

namespace instatunnel::edge {

struct worker;

/// Asks the service about visitors whose requests go on though their token has expired, or (`all`) about every visitor
/// of an MCP tunnel whose requests go on, and ends those requests that nothing stands behind any more.
void look_at_passes(worker& w, bool all);

}  // namespace instatunnel::edge
