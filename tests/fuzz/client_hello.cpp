#include "instatunnel/wire/client_hello.hpp"

#include <string>

#include "invariant.hpp"

using namespace instatunnel::wire;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::lies_within;
using instatunnel::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    std::string joined, joined_before;
    const auto whole = peek_client_hello(input.view(), joined);
    require(lies_within(whole.server_name, joined), "the name lies in what was joined");
    require(lies_within(whole.protocols, joined), "the protocols too");
    require(whole.status == hello_status::complete || whole.server_name.empty(), "a name only when it is whole");
    require(whole.server_name.size() <= 255, "a name is bounded");
    // However the bytes come, the verdict is the same in the end, and none is taken back.
    for (std::size_t part = 0; part < size; part += 1 + size / 16) {
        const auto before = peek_client_hello(input.view().substr(0, part), joined_before);
        if (before.status == hello_status::incomplete) continue;
        require(before.status == whole.status && before.server_name == whole.server_name, "a verdict stays");
    }
    return 0;
}
