#include "certificate_maker.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "instatunnel/base/random.hpp"

namespace instatunnel::net {
namespace {

bool set_serial(X509* certificate) {
    unsigned char bytes[19];  // RFC 5280 §4.1.2.2: positive, at most 20 octets
    fill_random(bytes);
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
    BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
    const bool done = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    return done;
}

bool set_subject(X509* certificate, const char* common_name) {
    auto* subject = X509_get_subject_name(certificate);
    const auto add = [subject](const char* field, const char* value) {
        return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value),
                                          -1, -1, 0) == 1;
    };
    return add("O", "InstaTunnel") && add("CN", common_name);
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    const bool done = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

x509_ptr blank_certificate(EVP_PKEY* key, const char* common_name, std::time_t from, std::time_t until) {
    x509_ptr certificate(X509_new());
    if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
        ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until) == nullptr ||
        X509_set_pubkey(certificate.get(), key) != 1 || !set_subject(certificate.get(), common_name))
        return nullptr;
    return certificate;
}

std::string take_text(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return data == nullptr || size <= 0 ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

key_ptr make_key() {
    return key_ptr(EVP_EC_gen("P-256"));
}

secret key_to_pem(const EVP_PKEY* key) {
    const bio_ptr bio(BIO_new(BIO_s_secmem()));
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
    return secret(take_text(bio.get()));
}

std::string certificate_to_pem(const X509* certificate) {
    const bio_ptr bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
    return take_text(bio.get());
}

x509_ptr make_authority(EVP_PKEY* key, std::time_t from, std::time_t until) {
    auto made = blank_certificate(key, "InstaTunnel development authority", from, until);
    if (!made) return nullptr;
    X509* self = made.get();
    const bool complete = X509_set_issuer_name(self, X509_get_subject_name(self)) == 1 &&
                          add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                          add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                          add_extension(self, self, NID_subject_key_identifier, "hash") &&
                          X509_sign(self, key, EVP_sha256()) > 0;
    return complete ? std::move(made) : nullptr;
}

x509_ptr make_server_certificate(X509* authority, EVP_PKEY* authority_key, EVP_PKEY* key, const std::string& name,
                                 std::time_t from, std::time_t until) {
    // A common name holds 64 characters, fewer than a host name may have; only the SAN counts (RFC 9525 §2).
    auto made = blank_certificate(key, "InstaTunnel development certificate", from, until);
    if (!made) return nullptr;
    X509* leaf = made.get();
    const bool complete = X509_set_issuer_name(leaf, X509_get_subject_name(authority)) == 1 &&
                          add_extension(leaf, authority, NID_basic_constraints, "critical,CA:FALSE") &&
                          add_extension(leaf, authority, NID_key_usage, "critical,digitalSignature") &&
                          add_extension(leaf, authority, NID_ext_key_usage, "serverAuth") &&
                          add_extension(leaf, authority, NID_subject_key_identifier, "hash") &&
                          add_extension(leaf, authority, NID_authority_key_identifier, "keyid:always") &&
                          add_extension(leaf, authority, NID_subject_alt_name, "DNS:" + name) &&
                          X509_sign(leaf, authority_key, EVP_sha256()) > 0;
    return complete ? std::move(made) : nullptr;
}

}  // namespace instatunnel::net
