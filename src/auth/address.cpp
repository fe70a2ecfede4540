#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "instatunnel/auth/token_bucket.hpp"

namespace instatunnel::auth {
namespace {

enum class family { none, v4, v6 };

struct parsed_address {
    family kind = family::none;
    in_addr v4{};
    in6_addr v6{};
};

parsed_address parse(std::string_view text) {
    parsed_address a;
    const std::string copy(text.substr(0, text.find('%')));  // a zone names a local interface, not a caller
    if (::inet_pton(AF_INET, copy.c_str(), &a.v4) == 1) {
        a.kind = family::v4;
    } else if (::inet_pton(AF_INET6, copy.c_str(), &a.v6) == 1) {
        a.kind = family::v6;
        if (IN6_IS_ADDR_V4MAPPED(&a.v6)) {
            std::memcpy(&a.v4, a.v6.s6_addr + 12, 4);
            a.kind = family::v4;
        }
    }
    return a;
}

}  // namespace

std::string address_group(std::string_view address) {
    auto a = parse(address);
    char text[INET6_ADDRSTRLEN] = {};
    if (a.kind == family::v4) return ::inet_ntop(AF_INET, &a.v4, text, sizeof text);
    if (a.kind == family::none) return std::string(address.substr(0, 64));
    std::memset(a.v6.s6_addr + 8, 0, 8);
    return std::string(::inet_ntop(AF_INET6, &a.v6, text, sizeof text)) + "/64";
}

bool is_loopback(std::string_view address) {
    const auto a = parse(address);
    if (a.kind == family::v4) return (ntohl(a.v4.s_addr) >> 24) == 127;
    return a.kind == family::v6 && IN6_IS_ADDR_LOOPBACK(&a.v6);
}

}  // namespace instatunnel::auth
