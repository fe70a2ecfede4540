#include "instatunnel/base/error.hpp"

#include <iterator>
#include <stdexcept>

namespace instatunnel {
namespace {

struct row {
    errc code;
    exit_code exit;
    bool retry;
    std::string_view name;
    std::string_view message;
    std::string_view hint;
};

using enum exit_code;

// One row an errc, in the order of the enumeration; a unit test walks it.
constexpr row rows[] = {
    {errc::ok, done, false, "ok", "Done", ""},
    {errc::usage, usage, false, "usage", "Wrong usage", "See: instatunnel help"},
    {errc::malformed_key, usage, false, "malformed_key",
     "That is not an API key: a key is it_ followed by at least 16 letters or digits",
     "Copy the key again without spaces, then: instatunnel auth set-key"},
    {errc::malformed_name, usage, false, "malformed_name",
     "That is not a usable name: 1 to 63 letters, digits or hyphens, no hyphen at either end",
     "Choose another name: instatunnel 3000 --subdomain my-app"},
    {errc::malformed_target, usage, false, "malformed_target", "That is not a target",
     "Use a port, host:port, http://…, https://… or unix:/path, e.g. instatunnel 3000"},
    {errc::malformed_url, usage, false, "malformed_url", "That is not an https:// URL",
     "Write it like --server https://api.t.example.com"},
    {errc::no_key, not_authenticated, false, "no_key", "No API key found",
     "Sign in with: instatunnel login, or set INSTATUNNEL_API_KEY"},
    {errc::invalid_key, not_authenticated, false, "invalid_key", "The server does not know this API key",
     "Check for spaces or missing characters, or whether it was deleted; then: instatunnel login"},
    {errc::expired_key, not_authenticated, false, "expired_key", "The API key has expired",
     "Sign in again: instatunnel login"},
    {errc::revoked_key, not_authenticated, false, "revoked_key", "The API key was revoked",
     "Sign in again: instatunnel login"},
    {errc::wrong_password, not_authenticated, false, "wrong_password", "Wrong email or password",
     "Try again: instatunnel login"},
    {errc::forbidden, not_permitted, false, "forbidden", "Insufficient permissions for this operation",
     "Use a key with the missing permission: instatunnel auth test shows what this one may do"},
    {errc::plan_limit, not_permitted, false, "plan_limit", "The account's plan does not allow this",
     "See the plan with: instatunnel auth test"},
    {errc::name_not_resolved, exit_code::server_unreachable, true, "name_not_resolved",
     "The server's name cannot be resolved", "Check the spelling of --server and the network"},
    {errc::server_unreachable, exit_code::server_unreachable, true, "server_unreachable", "Cannot reach the server",
     "Check the network and --server"},
    {errc::connect_timeout, exit_code::server_unreachable, true, "connect_timeout",
     "The server did not accept the connection in time",
     "Check the network, a firewall, and --server; see where it ends: instatunnel doctor"},
    {errc::tls_handshake_timeout, exit_code::server_unreachable, true, "tls_handshake_timeout",
     "The server did not finish the TLS handshake in time",
     "Check whether something between here and the server intercepts TLS: instatunnel doctor"},
    {errc::tls_untrusted, exit_code::server_unreachable, false, "tls_untrusted",
     "The server's certificate is not trusted", "If the server has its own authority, name it: --cacert PATH"},
    {errc::tls_failed, exit_code::server_unreachable, true, "tls_failed", "The TLS connection failed",
     "Check that --server names an InstaTunnel server"},
    {errc::hello_timeout, exit_code::server_unreachable, true, "hello_timeout",
     "The server accepted the connection but did not answer",
     "Try again; if it stays, see what answers: instatunnel doctor"},
    {errc::version_mismatch, other, false, "version_mismatch", "Client and server have no protocol version in common",
     "Update the older of the two: instatunnel version"},
    {errc::protocol_error, other, true, "protocol_error", "The peer broke the tunnel protocol",
     "Check that client and server have current versions: instatunnel version"},
    {errc::connection_lost, exit_code::server_unreachable, true, "connection_lost",
     "The connection to the server was lost", "Check the network"},
    {errc::name_taken, name_unavailable, false, "name_taken", "subdomain already taken",
     "Choose another name: instatunnel 3000 --subdomain my-app-2"},
    {errc::name_reserved, name_unavailable, false, "name_reserved", "This name is reserved by the service",
     "Choose another name: instatunnel 3000 --subdomain my-app"},
    {errc::superseded, name_unavailable, false, "superseded",
     "Another process of the same account took the tunnel over", "Start again to take it back"},
    {errc::tunnel_closed, name_unavailable, false, "tunnel_closed", "The tunnel was closed from the account",
     "Start it again: instatunnel 3000"},
    {errc::not_found, name_unavailable, false, "not_found", "There is no such thing in this account",
     "See what runs: instatunnel ls"},
    {errc::already_exists, name_unavailable, false, "already_exists", "It exists already",
     "Sign in instead: instatunnel login"},
    {errc::rate_limited, exit_code::rate_limited, true, "rate_limited", "API rate limit exceeded",
     "Wait a minute, then try again"},
    {errc::target_unreachable, exit_code::target_unreachable, true, "target_unreachable",
     "Failed to reach local server", "Start the local program, or name another target"},
    {errc::target_timeout, exit_code::target_unreachable, true, "target_timeout",
     "The local server did not answer in time", "Look at the local program's log"},
    {errc::target_bad_response, exit_code::target_unreachable, false, "target_bad_response",
     "The local server's answer is not valid HTTP", "Check that the target speaks HTTP on that port"},
    {errc::no_target_found, exit_code::target_unreachable, false, "no_target_found",
     "Nothing listens on ports 3000, 8000, 3001, 8080, 4000 or 5000 of localhost",
     "Start the local program, or name its port: instatunnel 3000"},
    {errc::not_a_terminal, usage, false, "not_a_terminal", "This needs an answer, and there is no terminal to ask on",
     "Give it as an argument, on standard input, or in the environment; see --help"},
    {errc::file_missing, other, false, "file_missing", "A file is missing", "Check the path"},
    {errc::file_permission, other, false, "file_permission", "A file's owner or permissions make it unsafe to use",
     "Make it private: chmod 600"},
    {errc::file_io, other, false, "file_io", "A file cannot be read or written",
     "Check the path, its permissions and the free space of the disk"},
    {errc::config_invalid, other, false, "config_invalid", "The configuration file is not valid",
     "See where it is: instatunnel config path"},
    {errc::config_locked, other, true, "config_locked", "Another process is writing the configuration",
     "Try again in a moment"},
    {errc::address_in_use, other, false, "address_in_use", "The address is in use by another program",
     "Choose another one: --listen 127.0.0.1:8444"},
    {errc::data_in_use, other, false, "data_in_use", "Another edge works with this data folder",
     "Stop it first, or give this one a folder of its own: --data DIR"},
    {errc::store_failed, other, true, "store_failed", "The data store cannot be used",
     "Check the data folder, its permissions and the free space of the disk"},
    {errc::bad_request, other, false, "bad_request", "The request is not valid", "See the named field"},
    {errc::too_large, other, false, "too_large", "That is too large", "Send less"},
    {errc::busy, exit_code::rate_limited, true, "busy", "The server is busy", "Try again in a moment"},
    {errc::cancelled, other, false, "cancelled", "Cancelled", "Start it again when ready"},
    {errc::unexpected_reply, other, true, "unexpected_reply", "The server sent an answer this program cannot use",
     "Check that --server names an InstaTunnel server"},
    {errc::keyring_unavailable, other, false, "keyring_unavailable", "The system keyring cannot be used",
     "Unlock it, or give the key for this run: INSTATUNNEL_API_KEY; to use it no longer: instatunnel config unset "
     "keystore"},
    {errc::account_disabled, not_permitted, false, "account_disabled", "This account is disabled",
     "Ask the server's owner to enable it"},
    {errc::email_not_verified, not_permitted, false, "email_not_verified",
     "The email address of this account is not verified yet",
     "Open the link in the mail that came when the account was made; lost? Have it sent again: instatunnel auth "
     "verify"},
    {errc::otp_required, not_authenticated, false, "otp_required",
     "This account has a second factor: its password alone is not enough",
     "Give the code that the authenticator app shows: instatunnel login -e EMAIL --otp CODE"},
    {errc::otp_wrong, not_authenticated, false, "otp_wrong",
     "The code of the second factor is wrong, or was used before",
     "Wait for the next code of the authenticator app, then sign in again: instatunnel login"},
    {errc::sign_in_denied, not_authenticated, false, "sign_in_denied", "You said no in the browser",
     "Start again when ready: instatunnel login"},
    {errc::sign_in_expired, not_authenticated, false, "sign_in_expired", "Nobody answered in the browser in time",
     "Start again: instatunnel login"},
    {errc::internal, other, false, "internal", "Something went wrong inside the program",
     "Run it again with --log-level debug and report what it says"},
};
static_assert(std::size(rows) == static_cast<std::size_t>(errc::internal) + 1);

const row& row_of(errc code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return index < std::size(rows) ? rows[index] : rows[static_cast<std::size_t>(errc::internal)];
}

// Boost's base has a protected destructor that is not virtual; nothing is ever deleted through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "instatunnel"; }
    std::string message(int value) const override {
        return std::string(instatunnel::message(static_cast<errc>(value)));
    }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

std::string_view message(errc code) noexcept {
    return row_of(code).message;
}
std::string_view hint(errc code) noexcept {
    return row_of(code).hint;
}
std::string_view code_name(errc code) noexcept {
    return row_of(code).name;
}
exit_code exit_code_for(errc code) noexcept {
    return row_of(code).exit;
}
bool is_retryable(errc code) noexcept {
    return row_of(code).retry;
}

void throw_exception_from_error(const failure& f, const boost::source_location& where) {
    throw std::logic_error("unchecked failure: " + std::string(f.what()) + " at " + where.file_name());
}

}  // namespace instatunnel
