#include "instatunnel/wire/proxy_header.hpp"

#include <algorithm>
#include <string>

#include "invariant.hpp"

using namespace instatunnel::wire;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::require;

namespace {

bool is_same(const itp::visitor_address& a, const itp::visitor_address& b) {
    const std::size_t size = a.family == 4 ? 4 : 16;
    return a.family == b.family && a.port == b.port &&
           std::equal(a.bytes.begin(), a.bytes.begin() + size, b.bytes.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    const auto read = parse_proxy_header(input.view());
    if (read.status != proxy_status::complete) {
        require(!read.ends, "nobody is named by half a header");
        require(read.status == proxy_status::malformed || size < max_proxy_header, "a header is bounded");
        return 0;
    }
    require(read.size != 0 && read.size <= size && read.size <= max_proxy_header, "a header ends within the bytes");
    const auto alone = parse_proxy_header(input.view().substr(0, read.size));
    require(alone.status == proxy_status::complete && alone.size == read.size, "what follows does not matter");
    require(parse_proxy_header(input.view().substr(0, read.size - 1)).status == proxy_status::incomplete,
            "not earlier");
    if (!read.ends) return 0;
    for (const auto version : {proxy_version::v1, proxy_version::v2}) {
        std::string written;
        append_proxy_header(written, version, *read.ends);
        const auto again = parse_proxy_header(written);
        require(again.status == proxy_status::complete && again.ends.has_value(), "what is written can be read");
        require(
            is_same(again.ends->source, read.ends->source) && is_same(again.ends->destination, read.ends->destination),
            "and says the same");
    }
    return 0;
}
