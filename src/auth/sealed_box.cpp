#include "instatunnel/auth/sealed_box.hpp"

#include <openssl/evp.h>

#include <memory>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

using context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

secret key_of(const secret& pepper) {
    return secret(hmac_sha256(pepper.reveal(), "instatunnel sealed box 1"));
}

}  // namespace

std::string seal(const secret& pepper, std::string_view purpose, const secret& plain) {
    const auto key = key_of(pepper);
    const auto text = plain.reveal();
    std::string sealed(nonce_bytes + text.size() + tag_bytes, '\0');
    fill_random({bytes_of(sealed), nonce_bytes});
    const context cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    int length = 0;
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()), bytes_of(sealed));
    EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(purpose), static_cast<int>(purpose.size()));
    EVP_EncryptUpdate(cipher.get(), bytes_of(sealed) + nonce_bytes, &length, bytes_of(text),
                      static_cast<int>(text.size()));
    EVP_EncryptFinal_ex(cipher.get(), bytes_of(sealed) + nonce_bytes + length, &length);
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, bytes_of(sealed) + nonce_bytes + text.size());
    return sealed;
}

std::optional<secret> unseal(const secret& pepper, std::string_view purpose, std::string_view sealed) {
    if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
    const auto key = key_of(pepper);
    const auto text = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
    std::string tag(sealed.substr(sealed.size() - tag_bytes));
    std::string plain(text.size(), '\0');
    const context cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    int length = 0;
    EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()), bytes_of(sealed));
    EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(purpose), static_cast<int>(purpose.size()));
    EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &length, bytes_of(text), static_cast<int>(text.size()));
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, bytes_of(tag));
    secret opened(std::move(plain));
    unsigned char rest[16];
    if (EVP_DecryptFinal_ex(cipher.get(), rest, &length) != 1) return std::nullopt;
    return opened;
}

}  // namespace instatunnel::auth
