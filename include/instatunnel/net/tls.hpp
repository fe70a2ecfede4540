#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::net {

struct ssl_ctx_deleter {
    void operator()(SSL_CTX* ctx) const noexcept;
};
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, ssl_ctx_deleter>;

/// Context of a client connection to an edge: verification on, system authorities or those of `cacert` alone,
/// TLS 1.2 at least (1.3 where `lanes_only`), AES-128-GCM preferred when the machine has AES instructions.
/// Errors: file_missing or tls_failed, naming the file.
outcome<ssl_ctx_ptr> make_client_context(const std::string& cacert, bool lanes_only);

/// Sets SNI (unless an address) and the name that the certificate must carry (name or IP). False only out of memory.
bool expect_peer_name(SSL* ssl, const std::string& host);

/// Why a client's handshake failed: tls_untrusted with the reason of the verification in words ("the certificate is for
/// another name: …", "it expired on …", "it is signed by an unknown authority") and what to do, or tls_failed.
/// `reason` is OpenSSL's (ERR_GET_REASON); 0: the newest of the thread's error queue.
failure explain_handshake_failure(SSL* ssl, const std::string& host, int reason = 0);

/// Chooses certificates for the visitors of an edge. Thread-safe; lives as long as its SSL_CTX.
class certificate_source {
public:
    virtual ~certificate_source() = default;
    /// Called in the handshake with the SNI name (lower case, may be empty): puts certificate, chain and key into
    /// `ssl`. False refuses the handshake (unrecognized_name).
    virtual bool select(SSL* ssl, std::string_view server_name) = 0;
};

/// The SNI name a client asked for. Empty for none, and for an address literal, which some programs send although RFC
/// 6066 §3 has no place for it.
std::string_view requested_name(const SSL* ssl) noexcept;

/// A chain and key from PEM files. reload() checks both (parse, key matches) before it replaces the old pair.
class file_certificates : public certificate_source {
public:
    static outcome<std::shared_ptr<file_certificates>> load(std::filesystem::path chain, std::filesystem::path key);
    virtual outcome<void> reload() = 0;
    /// True if either file's modification time or size differs from the pair in use.
    virtual bool changed_on_disk() const = 0;
};

/// The certificate authority of a dev edge: made once in `folder` (ca.pem 0644, ca-key.pem 0600), P-256, 10 years.
/// Signs a leaf per name on demand (90 days, `name` as SAN), for `domain` and names below it only, kept in memory for
/// at most 1,000 names (least recently used goes).
class local_authority : public certificate_source {
public:
    static outcome<std::shared_ptr<local_authority>> open(const std::filesystem::path& folder, std::string domain);
    virtual std::filesystem::path ca_path() const = 0;  ///< absolute path of ca.pem
};

/// Context of the edge: TLS 1.2 and 1.3, ECDHE and AEAD only, no renegotiation, no compression, one session ticket,
/// X25519:P-256, certificates from `source` (kept alive by the context). `select_alpn` gets the client's list in wire
/// form and returns the chosen protocol (a static string) or an empty view for none.
using alpn_selector = std::string_view (*)(std::string_view offered);
outcome<ssl_ctx_ptr> make_server_context(std::shared_ptr<certificate_source> source, alpn_selector select_alpn);

}  // namespace instatunnel::net
