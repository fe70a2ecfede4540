#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instatunnel::app {

/// A request to the sample site, read to its end.
struct sample_request {
    std::string method;
    std::string path;  ///< with its query
    std::string host;
    std::vector<std::pair<std::string, std::string>> fields;
    std::uint64_t body_bytes = 0;
    std::string body_sha256;  ///< in hex
};

struct sample_page {
    int status = 200;
    std::string_view content_type;
    std::string body;
};

sample_page render(const sample_request& request);

/// Whether this is a request for the endless stream of events.
bool asks_for_events(const sample_request& request);
/// One server-sent event.
std::string tick_event(std::uint64_t number);

}  // namespace instatunnel::app
