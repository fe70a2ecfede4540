#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace instatunnel {

/// Every failure this program can name. Append only: logs, tests and peers know the numbers.
enum class errc {
    ok = 0,
    usage,
    malformed_key,
    malformed_name,
    malformed_target,
    malformed_url,
    no_key,
    invalid_key,
    expired_key,
    revoked_key,
    wrong_password,
    forbidden,
    plan_limit,
    name_not_resolved,
    server_unreachable,
    connect_timeout,
    tls_handshake_timeout,
    tls_untrusted,
    tls_failed,
    hello_timeout,
    version_mismatch,
    protocol_error,
    connection_lost,
    name_taken,
    name_reserved,
    superseded,
    tunnel_closed,
    not_found,
    already_exists,
    rate_limited,
    target_unreachable,
    target_timeout,
    target_bad_response,
    no_target_found,
    not_a_terminal,
    file_missing,
    file_permission,
    file_io,
    config_invalid,
    config_locked,
    address_in_use,
    data_in_use,
    store_failed,
    bad_request,
    too_large,
    busy,
    cancelled,
    unexpected_reply,
    keyring_unavailable,
    account_disabled,
    email_not_verified,
    otp_required,
    otp_wrong,
    sign_in_denied,
    sign_in_expired,
    internal,
};

const boost::system::error_category& error_category() noexcept;
boost::system::error_code make_error_code(errc code) noexcept;

/// What happened, as a sentence for a person, without the concrete name (failure adds that). Never empty.
std::string_view message(errc code) noexcept;
/// What to type or check next. Empty only for `ok`.
std::string_view hint(errc code) noexcept;
/// Stable lower-case word for `--json` and logs, e.g. "name_taken".
std::string_view code_name(errc code) noexcept;

/// Exit codes are an interface for scripts; `docs/cli.md` prints this table.
enum class exit_code {
    done = 0,
    other = 1,
    usage = 2,
    not_authenticated = 3,
    not_permitted = 4,
    server_unreachable = 5,
    name_unavailable = 6,
    rate_limited = 7,
    target_unreachable = 8,
};

/// The one table from failure to exit code.
exit_code exit_code_for(errc code) noexcept;

/// Whether trying again later can succeed without anybody changing anything.
bool is_retryable(errc code) noexcept;

/// A failure with the concrete names a person needs. `detail` replaces message(code) when set; `next` replaces
/// hint(code). Neither ever holds a key, a password, or a library's raw text.
struct failure {
    errc code = errc::internal;
    std::string detail;
    std::string next;

    failure() = default;
    failure(errc c) : code(c) {}  // NOLINT(google-explicit-constructor): `return errc::x;` reads well
    failure(errc c, std::string d) : code(c), detail(std::move(d)) {}
    failure(errc c, std::string d, std::string n) : code(c), detail(std::move(d)), next(std::move(n)) {}

    std::string_view what() const noexcept { return detail.empty() ? message(code) : std::string_view(detail); }
    std::string_view what_next() const noexcept { return next.empty() ? hint(code) : std::string_view(next); }
};

[[noreturn]] void throw_exception_from_error(const failure& f, const boost::source_location& where);

/// Inner layers: cheap, no text.
template <class T>
using result = boost::system::result<T>;
/// Edges that talk to people: code, detail and what to do next.
template <class T>
using outcome = boost::system::result<T, failure>;

}  // namespace instatunnel

template <>
struct boost::system::is_error_code_enum<instatunnel::errc> : std::true_type {};
