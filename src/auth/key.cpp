#include "instatunnel/auth/key.hpp"

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "new_file.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t pepper_bytes = 32;

outcome<void> make_pepper_file(const std::filesystem::path& file) {
    std::string bytes(pepper_bytes, '\0');
    fill_random({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    const secret line(to_hex(bytes) + "\n");
    return make_new_file(file, line.reveal());
}

bool is_pepper(std::string_view text) {
    return text.size() == 2 * pepper_bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

secret make_api_key() {
    return secret("it_" + random_base62(16));
}

std::string make_id(std::string_view prefix) {
    return std::string(prefix) + "_" + random_base62(16);
}

secret make_password() {
    return secret(random_base62(20));
}

std::string key_digest(const secret& pepper, std::string_view key) {
    return hmac_sha256(pepper.reveal(), key);
}

outcome<secret> load_or_make_pepper(const std::filesystem::path& folder) {
    const auto file = folder / "pepper.key";
    auto text = read_private_file(file, 256);
    if (!text && text.error().code == errc::file_missing) {
        if (auto made = make_pepper_file(file); !made) return made.error();
        text = read_private_file(file, 256);
    }
    if (!text) return text.error();
    const secret content(std::move(*text));
    const auto pepper = trim(content.reveal());
    if (!is_pepper(pepper))
        return failure(errc::store_failed, file.string() + " does not hold what this program wrote there",
                       "Restore it from a backup: without it no key of this data works");
    return secret(std::string(pepper));
}

secret derive_secret(const secret& pepper, std::string_view purpose) {
    return secret(hmac_sha256(pepper.reveal(), purpose));
}

std::string pepper_fingerprint(const secret& pepper) {
    return to_hex(hmac_sha256(pepper.reveal(), "instatunnel pepper fingerprint"));
}

}  // namespace instatunnel::auth
