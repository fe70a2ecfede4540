#include "instatunnel/base/secret.hpp"

#include <openssl/crypto.h>

namespace instatunnel {

secret::secret(secret&& other) noexcept : value_(std::move(other.value_)) {
    // A short string is copied, not moved, by std::string: the source must be wiped as well.
    other.wipe();
}

secret& secret::operator=(secret&& other) noexcept {
    if (this != &other) {
        wipe();
        value_ = std::move(other.value_);
        other.wipe();
    }
    return *this;
}

secret::~secret() {
    wipe();
}

void secret::wipe() noexcept {
    OPENSSL_cleanse(value_.data(), value_.capacity());
    value_.clear();
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string mask_key(std::string_view key) {
    std::string masked = "it_***...";
    masked += key.size() > 6 ? key.substr(key.size() - 3) : std::string_view("***");
    return masked;
}

}  // namespace instatunnel
