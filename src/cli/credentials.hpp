#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "context.hpp"

namespace instatunnel::cli {

/// Where a value came from, in the order of precedence.
enum class origin : std::uint8_t { flag, environment, stored, dev_edge, preset };

/// The profile a command works on, as it is stored (empty if it is not).
struct profile_in_use {
    std::string name;
    bool exists = false;
    config::profile stored;
};

/// Server, certificate authority and key of one command, and where each came from.
struct credentials {
    profile_in_use profile;
    std::string server;  ///< normalised: https origin and path, no slash at the end
    origin server_from = origin::preset;
    std::string cacert;  ///< absolute, empty for the system's authorities
    secret key;
    origin key_from = origin::stored;
    bool key_in_keyring = false;
};

enum class key_need : std::uint8_t {
    none,      ///< for login and set-key: server and authority only
    required,  ///< no key is an error; a running dev edge stands in when nothing at all is configured
};

inline constexpr std::string_view default_server = "https://api.instatunnel.my";
using config::dev_profile;

/// --profile, then INSTATUNNEL_PROFILE, then the setting default_profile, then "default". Carries a legacy file over
/// first.
outcome<profile_in_use> load_profile(context& c);

/// Errors: those of the profile store, malformed_url, malformed_key, no_key.
outcome<credentials> resolve(context& c, key_need need);

/// "--api-key", "INSTATUNNEL_API_KEY", "profile default", …: for a person.
std::string describe_key_origin(const credentials& in_use);
std::string describe_server_origin(const credentials& in_use);
/// "flag", "environment", "profile", "dev_edge", "default": for --json.
std::string_view origin_name(origin from) noexcept;
/// The same of the key, and "keyring" for one that the profile keeps there.
std::string_view key_origin_name(const credentials& in_use) noexcept;

/// Trims and checks. The failure says what is wrong with the key, never the key; `where` names its source
/// ("--api-key").
outcome<secret> check_key(std::string_view text, const std::string& where);

/// An https URL without a slash at the end. Errors: malformed_url, naming `where`.
outcome<std::string> check_server(const std::string& text, const std::string& where);

}  // namespace instatunnel::cli
