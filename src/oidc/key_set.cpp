#include "key_set.hpp"

#include <cjose/cjose.h>

#include <optional>

#include "json_text.hpp"

namespace instatunnel::oidc {
namespace {

using nlohmann::json;

constexpr std::size_t max_keys = 64;
constexpr std::size_t max_text = 512;
constexpr std::size_t max_number = 2048;  // base64url characters of a modulus
constexpr std::size_t min_rsa_bits = 2048;
constexpr std::size_t max_rsa_bits = 8192;

// Only what belongs to the public half is handed on: what else is written there must not turn it into another key.
std::optional<json> public_half(const json& jwk) {
    const auto type = text_of(jwk, "kty");
    json half;
    const auto take = [&](const char* name) {
        half[name] = text_of(jwk, name);
        const auto size = half[name].get_ref<const std::string&>().size();
        return size > 0 && size <= max_number;
    };
    if (!take("kty")) return std::nullopt;
    if (type == "RSA") return take("n") && take("e") ? std::optional(half) : std::nullopt;
    if (type != "EC" || text_of(jwk, "crv") != "P-256") return std::nullopt;
    return take("crv") && take("x") && take("y") ? std::optional(half) : std::nullopt;
}

bool is_for_signatures(const json& jwk) {
    if (jwk.contains("use") && text_of(jwk, "use") != "sig") return false;
    const auto operations = texts_of(jwk, "key_ops");
    if (!operations) return false;
    return !jwk.contains("key_ops") || std::find(operations->begin(), operations->end(), "verify") != operations->end();
}

std::optional<signing_key> read_key(const json& jwk) {
    if (!jwk.is_object() || !is_for_signatures(jwk)) return std::nullopt;
    const auto half = public_half(jwk);
    if (!half) return std::nullopt;
    const auto text = half->dump();
    cjose_err error{};
    std::shared_ptr<cjose_jwk_t> key(cjose_jwk_import(text.data(), text.size(), &error), cjose_jwk_release);
    if (key == nullptr) return std::nullopt;
    signing_key read{text_of(jwk, "kid"), text_of(jwk, "kty"), text_of(jwk, "alg"), key};
    const auto bits = cjose_jwk_get_keysize(key.get(), &error);
    if (read.type == "RSA" && (bits < min_rsa_bits || bits > max_rsa_bits)) return std::nullopt;
    if (read.kid.size() > max_text || read.algorithm.size() > max_text) return std::nullopt;
    return read;
}

}  // namespace

std::vector<const signing_key*> key_set::find(std::string_view kid, std::string_view algorithm) const {
    const std::string_view type = algorithm.starts_with("ES") ? "EC" : "RSA";
    std::vector<const signing_key*> found;
    for (const auto& one : keys)
        if (one.type == type && (one.algorithm.empty() || one.algorithm == algorithm) &&
            (kid.empty() || one.kid == kid))
            found.push_back(&one);
    return found;
}

outcome<key_set> read_key_set(std::string_view text) {
    const failure unusable(errc::unexpected_reply, "The provider's keys are not a usable set");
    const auto document = parse_object(text);
    if (!document) return unusable;
    const auto list = document->find("keys");
    if (list == document->end() || !list->is_array() || list->size() > max_keys) return unusable;
    key_set set;
    for (const auto& jwk : *list)
        if (auto key = read_key(jwk)) set.keys.push_back(std::move(*key));
    return set;
}

}  // namespace instatunnel::oidc
