#include "explain_failure.hpp"

namespace instatunnel::cli {
namespace {

std::string which_key(const credentials& in_use) {
    const auto key = in_use.key.reveal();
    return "the API key from " + describe_key_origin(in_use) + " (" + mask_key(key) + ", " +
           std::to_string(key.size()) + " characters)";
}

bool is_session(const credentials& in_use) {
    return in_use.key_from == origin::stored && !in_use.profile.stored.key_id.empty();
}

std::string other_key(const credentials& in_use) {
    if (in_use.key_from == origin::flag) return "Give another key, or sign in: instatunnel login";
    if (in_use.key_from == origin::environment)
        return "Set INSTATUNNEL_API_KEY to another key, or unset it and sign in: instatunnel login";
    return "Sign in again: instatunnel login";
}

}  // namespace

failure explain_failure(const failure& f, const credentials& in_use) {
    switch (f.code) {
        case errc::invalid_key:
            return {f.code, in_use.server + " does not know " + which_key(in_use),
                    "Check it for spaces and missing characters, and whether it was deleted. " + other_key(in_use)};
        case errc::expired_key:
            return {
                f.code,
                (is_session(in_use) ? "Session expired: " : "Expired: ") + which_key(in_use) + " is past its end date",
                other_key(in_use)};
        case errc::revoked_key:
            return {f.code, (is_session(in_use) ? "Session ended: " : "Revoked: ") + which_key(in_use) + " was revoked",
                    other_key(in_use)};
        case errc::name_not_resolved:
            if (in_use.server_from != origin::preset) return f;
            return {
                f.code, f.detail,
                "Check the network. With a server of your own: --server URL; on this machine alone: instatunnel serve "
                "--dev"};
        default:
            return f;
    }
}

}  // namespace instatunnel::cli
