#include <string>

#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/client/target.hpp"
#include "instatunnel/mail/smtp_server.hpp"
#include "instatunnel/net/listener.hpp"
#include "instatunnel/wire/http1.hpp"
#include "invariant.hpp"

using namespace instatunnel;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::require;

namespace {

void read_target(std::string_view text) {
    const auto target = client::parse_target(text);
    if (!target) {
        require(target.error().code == errc::malformed_target, "the error says that it is malformed");
        return;
    }
    require(!target->is_directory, "a directory is no address");
    if (target->is_unix) {
        require(target->unix_path.starts_with('/') && target->unix_path.find('\0') == std::string::npos,
                "a whole path");
        return;
    }
    require(target->port != 0 && !target->host.empty(), "somewhere to connect to");
    require(target->host.find_first_of("/@?# \r\n\t") == std::string::npos, "a host is a host");
    const auto again = client::parse_target(target->display);
    require(again.has_value() && again->host == target->host && again->port == target->port &&
                again->is_tls == target->is_tls,
            "what is shown leads to the same place");
}

void read_redirect(std::string_view text) {
    if (!auth::check_redirect_uri(text)) return;
    require(text.size() <= 2048 && wire::is_field_value(text), "it fits into a Location field");
    require(auth::is_same_redirect(text, text), "it is the same as itself");
    require(text.find_first_of("# *\\") == std::string_view::npos, "no fragment, blank or wildcard");
}

void read_smtp(std::string_view text) {
    // A word that no message has by itself, wherever a password might stand.
    constexpr std::string_view password = "hunter-two-hunter-two";
    for (const auto& url :
         {"smtp://ann:" + std::string(password) + std::string(text), std::string(text).append(password)}) {
        const auto with_password = mail::parse_smtp_url(url);
        require(with_password || with_password.error().what().find(password) == std::string_view::npos,
                "no password is told");
    }
    const auto server = mail::parse_smtp_url(text);
    if (!server) return;
    require(!server->host.empty() && server->port != 0, "somewhere to connect to");
    require(server->user.find_first_of("\r\n") == std::string::npos, "one line");
}

void read_listen(std::string_view text) {
    const auto at = net::parse_listen_address(text);
    require(!at || text.find_first_of("0123456789") != std::string_view::npos, "a port is a number");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    read_target(input.view());
    read_redirect(input.view());
    read_smtp(input.view());
    read_listen(input.view());
    return 0;
}
