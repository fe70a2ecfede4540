#include "instatunnel/client/local_probe.hpp"

#include <algorithm>

#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/net/dial.hpp"
#include "local_call.hpp"

namespace instatunnel::client {
namespace {

constexpr std::size_t most_of_a_body = 64 * 1024;

}  // namespace

std::string_view local_answer::field(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(fields, [name](const auto& f) { return iequals(f.first, name); });
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

outcome<local_answer> ask_local(const target& to, const std::string& host, const std::string& path,
                                const std::vector<std::pair<std::string, std::string>>& fields,
                                std::chrono::milliseconds limit) {
    local_call call(local_call::clock::now() + limit);
    if (auto connected = call.connect(to); !connected) return connected.error();
    std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: instatunnel/" +
                          std::string(version()) + "\r\nConnection: close\r\n";
    for (const auto& [name, value] : fields)
        request.append(name).append(": ").append(value).append("\r\n");
    if (auto asked = call.ask(request + "\r\n", "GET"); !asked) return asked.error();
    local_answer answer;
    answer.status = call.status();
    answer.fields = call.fields();
    // A body that trickles for ever is an answer too: what came in time is enough.
    while (answer.body.size() < most_of_a_body) {
        const auto piece = call.read_some();
        if (!piece || piece->empty()) break;
        answer.body += *piece;
    }
    return answer;
}

loopback_doors find_loopback_doors(std::uint16_t port, std::chrono::milliseconds limit) {
    const auto accepts = [&](const char* address) { return net::dial({address, port}, limit).has_value(); };
    return {accepts("127.0.0.1"), accepts("::1")};
}

}  // namespace instatunnel::client
