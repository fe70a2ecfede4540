#include <sys/stat.h>

#include <ctime>
#include <mutex>
#include <tuple>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/net/tls.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {
namespace {

constexpr std::uint64_t max_given_file = 1u << 20;

/// Size and time of last change of a file; all zero if it cannot be looked at.
using file_stamp = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

file_stamp stamp_of(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};
    return {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

struct loaded_pair {
    certificate_pair pair;
    file_stamp chain_stamp;
    file_stamp key_stamp;
};
using pair_ref = std::shared_ptr<const loaded_pair>;  // shared: handshakes under way keep the pair that was replaced

outcome<void> read_chain(const std::filesystem::path& path, certificate_pair& pair) {
    auto pem = read_file(path, max_given_file);
    if (!pem) return pem.error();
    auto certificates = parse_certificates(*pem);
    if (certificates.empty())
        return tls_failure(errc::tls_failed, path.string() + " holds no certificate in PEM form",
                           "Check the file: --tls-cert PATH");
    pair.leaf = std::move(certificates.front());
    pair.chain.reset(sk_X509_new_null());
    for (std::size_t i = 1; i < certificates.size() && pair.chain; ++i)
        if (sk_X509_push(pair.chain.get(), certificates[i].get()) > 0) certificates[i].release();
    if (!pair.chain) return tls_failure(errc::tls_failed, "TLS cannot be set up on this machine");
    return {};
}

outcome<void> read_key(const std::filesystem::path& path, certificate_pair& pair) {
    auto text = read_file(path, max_given_file);
    if (!text) return text.error();
    const secret pem(std::move(*text));
    pair.key = parse_private_key(pem.reveal());
    if (!pair.key)
        return tls_failure(errc::tls_failed,
                           path.string() + " holds no private key in PEM form that works without a passphrase",
                           "Check the file: --tls-key PATH");
    return {};
}

void warn_about(const loaded_pair& loaded, const std::filesystem::path& chain, const std::filesystem::path& key) {
    if (X509_cmp_current_time(X509_get0_notAfter(loaded.pair.leaf.get())) < 0)
        log::warn("tls.certificate_expired").with("file", chain.string());
    struct stat info {};
    if (::stat(key.c_str(), &info) == 0 && (info.st_mode & 007) != 0)
        log::warn("tls.key_readable_by_all").with("file", key.string());
}

outcome<pair_ref> load_pair(const std::filesystem::path& chain, const std::filesystem::path& key) {
    auto loaded = std::make_shared<loaded_pair>();
    // Taken before the content: a change in between then shows as a change, not as nothing.
    loaded->chain_stamp = stamp_of(chain);
    loaded->key_stamp = stamp_of(key);
    auto read = read_chain(chain, loaded->pair);
    if (read) read = read_key(key, loaded->pair);
    if (!read) return read.error();
    if (X509_check_private_key(loaded->pair.leaf.get(), loaded->pair.key.get()) != 1)
        return tls_failure(
            errc::tls_failed,
            "The key in " + key.string() + " does not belong to the first certificate in " + chain.string(),
            "Name a pair that belongs together, the server's own certificate first: --tls-cert and --tls-key");
    warn_about(*loaded, chain, key);
    return pair_ref(std::move(loaded));
}

class files final : public file_certificates {
public:
    files(std::filesystem::path chain, std::filesystem::path key, pair_ref pair)
        : chain_(std::move(chain)), key_(std::move(key)), pair_(std::move(pair)) {}

    bool select(SSL* ssl, std::string_view) override { return use_pair(ssl, current()->pair); }

    outcome<void> reload() override {
        auto pair = load_pair(chain_, key_);
        if (!pair) return pair.error();
        const std::lock_guard lock(mutex_);
        pair_ = std::move(*pair);
        return {};
    }

    bool changed_on_disk() const override {
        const auto pair = current();
        const auto differs = [](const file_stamp& now, const file_stamp& used) {
            // A file that is gone for a moment is being replaced: there is nothing to load yet.
            return now != file_stamp{} && now != used;
        };
        return differs(stamp_of(chain_), pair->chain_stamp) || differs(stamp_of(key_), pair->key_stamp);
    }

private:
    pair_ref current() const {
        const std::lock_guard lock(mutex_);
        return pair_;
    }

    const std::filesystem::path chain_;
    const std::filesystem::path key_;
    mutable std::mutex mutex_;
    pair_ref pair_;
};

}  // namespace

outcome<std::shared_ptr<file_certificates>> file_certificates::load(std::filesystem::path chain,
                                                                    std::filesystem::path key) {
    auto pair = load_pair(chain, key);
    if (!pair) return pair.error();
    return std::shared_ptr<file_certificates>(
        std::make_shared<files>(std::move(chain), std::move(key), std::move(*pair)));
}

}  // namespace instatunnel::net
