#include "tunnel_access.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "instatunnel/auth/sealed_box.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::service {
namespace {

std::string purpose_of(std::string_view name) {
    return "visitors of " + std::string(name);
}

}  // namespace

std::string seal_access(const secret& pepper, std::string_view name, const secret& password, const secret& basic) {
    if (password.empty() && basic.empty()) return {};
    nlohmann::json plain;
    plain["password"] = password.reveal();
    plain["basic"] = basic.reveal();
    plain["seed"] = random_base62(43);
    return auth::seal(pepper, purpose_of(name), secret(plain.dump()));
}

std::optional<visitor_secrets> unseal_access(const secret& pepper, std::string_view name, std::string_view sealed) {
    const auto opened = auth::unseal(pepper, purpose_of(name), sealed);
    if (!opened) return std::nullopt;
    const auto plain = nlohmann::json::parse(opened->reveal(), nullptr, /*allow_exceptions=*/false);
    if (!plain.is_object()) return std::nullopt;
    const auto text = [&](const char* member) { return secret(plain.value(member, std::string())); };
    return visitor_secrets{text("password"), text("basic"), text("seed")};
}

std::optional<std::uint64_t> tunnel_number(std::string_view text) {
    if (!text.starts_with('#')) return std::nullopt;
    text.remove_prefix(1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > INT64_MAX) return std::nullopt;
    return number;
}

}  // namespace instatunnel::service
