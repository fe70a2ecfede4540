#include <string>

#include "instatunnel/engine/hello.hpp"
#include "invariant.hpp"

using namespace instatunnel::engine;
using instatunnel::fuzz::require;

namespace {

void check_text(const std::string& text) {
    require(text.size() <= 512, "texts are bounded");
}

void read_hello(std::string_view json) {
    const auto h = parse_hello(json);
    if (!h) return;
    require(h->tunnels.size() == 1, "exactly one tunnel is asked for");
    require(h->version >= 0, "a version is a number");
    check_text(h->client_version);
    check_text(h->instance);
    require(h->key.reveal().size() <= 512, "texts are bounded");
    const auto again = parse_hello(to_json(*h));
    require(again.has_value(), "what we write is accepted");
    require(again->key.reveal() == h->key.reveal() && again->instance == h->instance && again->window == h->window,
            "the same again");
    const auto &a = h->tunnels[0], &b = again->tunnels[0];
    require(a.ref == b.ref && a.proto == b.proto && a.name == b.name && a.host == b.host && a.target == b.target,
            "the same again");
    const bool guarded = !a.password.empty() || !a.basic.empty();
    require(a.password.reveal() == b.password.reveal() && a.basic.reveal() == b.basic.reveal(), "the same again");
    require(!guarded || a.seed.reveal() == b.seed.reveal(), "the same again");
}

void read_welcome(std::string_view json) {
    const auto w = parse_welcome(json);
    if (!w) return;
    require(!w->tunnels.empty() && w->tunnels.size() <= 64, "tunnels are bounded");
    const auto again = parse_welcome(to_json(*w));
    require(again.has_value() && again->tunnels.size() == w->tunnels.size() && again->session == w->session,
            "the same again");
    for (std::size_t i = 0; i < w->tunnels.size(); ++i) {
        const auto &a = w->tunnels[i], &b = again->tunnels[i];
        check_text(a.url);
        require(a.ref == b.ref && a.number == b.number && a.id == b.id && a.name == b.name && a.url == b.url &&
                    a.guarded == b.guarded,
                "the same again");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    read_hello(json);
    read_welcome(json);
    return 0;
}
