#include "second_factor.hpp"

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/sealed_box.hpp"
#include "instatunnel/auth/totp.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::service {
namespace {

constexpr int recovery_codes = 10;
constexpr std::size_t recovery_characters = 12;

std::string purpose_for(const std::string& user_id) {
    return "second factor of " + user_id;
}

// "k3f9-2mxq-71ab", in any case, with or without hyphens and blanks.
std::string normalise(std::string_view typed) {
    std::string code;
    for (const char c : to_lower(typed))
        if (c != '-' && c != ' ') code += c;
    return code;
}

secret make_recovery_code() {
    // 30 characters without 0, 1, i, l, o, u: 58 bits.
    constexpr std::string_view alphabet = "23456789abcdefghjkmnpqrstvwxyz";
    std::string code;
    for (std::size_t i = 0; i < recovery_characters; ++i) {
        if (i != 0 && i % 4 == 0) code += '-';
        code += alphabet[random_below(alphabet.size())];
    }
    return secret(std::move(code));
}

}  // namespace

outcome<std::optional<secret>> second_factor::secret_of(const store::two_factor& factor) const {
    auto opened = auth::unseal(pepper_, purpose_for(factor.user_id), factor.sealed_secret);
    if (!opened) return failure(errc::store_failed, "A second factor in the data cannot be read");
    return opened;
}

outcome<bool> second_factor::is_on(const std::string& user_id) {
    const auto factor = store_.find_two_factor(user_id);
    if (!factor) return factor.error();
    return *factor && (*factor)->confirmed_at.has_value();
}

outcome<secret> second_factor::begin(const std::string& user_id) {
    const auto on = is_on(user_id);
    if (!on) return on.error();
    if (*on) return failure(errc::already_exists);
    auto made = auth::make_totp_secret();
    store::two_factor factor;
    factor.user_id = user_id;
    factor.sealed_secret = auth::seal(pepper_, purpose_for(user_id), made);
    if (auto stored = store_.put_two_factor(factor); !stored) return stored.error();
    return made;
}

outcome<std::optional<secret>> second_factor::begun(const std::string& user_id) {
    const auto factor = store_.find_two_factor(user_id);
    if (!factor) return factor.error();
    if (!*factor || (*factor)->confirmed_at) return std::optional<secret>();
    return secret_of(**factor);
}

outcome<bool> second_factor::confirm(const std::string& user_id, std::string_view code, std::vector<secret>& recovery) {
    auto factor = store_.find_two_factor(user_id);
    if (!factor) return factor.error();
    if (!*factor || (*factor)->confirmed_at) return false;
    const auto key = secret_of(**factor);
    if (!key) return key.error();
    const auto step = auth::match_totp(**key, trim(code), tuning_.now());
    if (!step) return false;
    (*factor)->confirmed_at = tuning_.now();
    (*factor)->last_step = *step;
    if (auto stored = store_.put_two_factor(**factor); !stored) return stored.error();
    auto codes = renew_recovery_codes(user_id);
    if (!codes) return codes.error();
    recovery = std::move(*codes);
    return true;
}

outcome<std::vector<secret>> second_factor::renew_recovery_codes(const std::string& user_id) {
    std::vector<secret> codes;
    std::vector<std::string> digests;
    for (int i = 0; i < recovery_codes; ++i) {
        codes.push_back(make_recovery_code());
        digests.push_back(auth::key_digest(pepper_, normalise(codes.back().reveal())));
    }
    if (auto stored = store_.put_recovery_codes(user_id, digests); !stored) return stored.error();
    return codes;
}

outcome<bool> second_factor::accept(const std::string& user_id, std::string_view code) {
    const auto factor = store_.find_two_factor(user_id);
    if (!factor) return factor.error();
    if (!*factor || !(*factor)->confirmed_at) return false;
    const auto key = secret_of(**factor);
    if (!key) return key.error();
    if (const auto step = auth::match_totp(**key, normalise(code), tuning_.now()))
        return store_.use_two_factor_step(user_id, *step);
    if (normalise(code).size() != recovery_characters) return false;
    return store_.use_recovery_code(user_id, auth::key_digest(pepper_, normalise(code)));
}

outcome<std::uint64_t> second_factor::recovery_codes_left(const std::string& user_id) {
    return store_.count_recovery_codes(user_id);
}

}  // namespace instatunnel::service
