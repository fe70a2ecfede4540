#include "instatunnel/auth/signing_key.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/secret.hpp"
#include "new_file.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t public_size = 32;
constexpr std::size_t signature_size = 64;
constexpr std::uint64_t most_pem_bytes = 4096;

using digest_context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// The private key as PEM; empty if OpenSSL cannot.
secret make_pem() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                                  &EVP_PKEY_free);
    const memory out(BIO_new(BIO_s_secmem()), &BIO_free);
    char* text = nullptr;
    if (key == nullptr || out == nullptr ||
        PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return {};
    const long size = BIO_get_mem_data(out.get(), &text);
    return secret(std::string(text, static_cast<std::size_t>(size)));
}

}  // namespace

void signing_key::freed::operator()(EVP_PKEY* key) const noexcept {
    EVP_PKEY_free(key);
}

signing_key::signing_key(pkey key) : key_(std::move(key)), public_(public_size, '\0') {
    std::size_t size = public_.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(public_.data()), &size);
    id_ = to_base64url(sha256(R"({"crv":"Ed25519","kty":"OKP","x":")" + to_base64url(public_) + "\"}"));
}

signing_key::pkey signing_key::parse(std::string_view pem) {
    const memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    pkey key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    if (key != nullptr && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) key.reset();
    return key;
}

outcome<signing_key> signing_key::load_or_make(const std::filesystem::path& folder) {
    const auto file = folder / "identity-key.pem";
    auto text = read_private_file(file, most_pem_bytes);
    if (!text && text.error().code == errc::file_missing) {
        const auto pem = make_pem();
        if (pem.empty()) return failure(errc::internal, "No key for signing could be made");
        if (auto made = make_new_file(file, pem.reveal()); !made) return made.error();
        text = read_private_file(file, most_pem_bytes);
    }
    if (!text) return text.error();
    const secret pem(std::move(*text));
    auto key = parse(pem.reveal());
    if (key == nullptr)
        return failure(errc::store_failed, file.string() + " does not hold an Ed25519 key",
                       "Restore it, or remove it for a new one: programs fetch the new public key by themselves");
    return signing_key(std::move(key));
}

std::string signing_key::sign(std::string_view bytes) const {
    const digest_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(signature_size, '\0');
    std::size_t size = signature.size();
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, octets(bytes),
                   bytes.size());
    return signature;
}

bool signing_key::verifies(std::string_view bytes, std::string_view signature) const {
    const digest_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(bytes), bytes.size()) == 1;
}

}  // namespace instatunnel::auth
