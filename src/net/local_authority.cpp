#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <ctime>
#include <list>
#include <mutex>
#include <system_error>
#include <unordered_map>

#include "certificate_maker.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/tls.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {
namespace {

constexpr std::size_t max_names = 1000;
constexpr std::size_t max_host_name = 253;
constexpr std::uint64_t max_authority_file = 64u << 10;
constexpr std::time_t hour = 3600;
constexpr std::time_t day = 24 * hour;
constexpr std::time_t authority_life = 3650 * day;
constexpr std::time_t leaf_life = 90 * day;

struct authority_files {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

struct authority {
    x509_ptr certificate;
    key_ptr key;
};

failure unusable(const authority_files& at, const std::string& reason) {
    return tls_failure(errc::tls_failed,
                       "The development authority in " + at.certificate.parent_path().string() + ": " + reason,
                       "Remove " + at.certificate.string() + " and " + at.key.string() +
                           " to get a new one; who trusted the old one must trust the new one");
}

outcome<authority> create(const authority_files& at, key_ptr key) {
    const bool is_new_key = !key;
    if (is_new_key) key = make_key();
    const auto now = std::time(nullptr);
    authority made{key ? make_authority(key.get(), now - hour, now + authority_life) : nullptr, std::move(key)};
    if (!made.certificate) return unusable(at, "cannot be made");
    if (is_new_key) {
        const auto pem = key_to_pem(made.key.get());
        if (pem.empty()) return unusable(at, "cannot be made");
        auto written = write_file_atomically(at.key, pem.reveal(), 0600);
        if (!written) return written.error();
    }
    // The key goes first: a crash in between leaves a key that the next start finishes, not a certificate without key.
    auto written = write_file_atomically(at.certificate, certificate_to_pem(made.certificate.get()), 0644);
    if (!written) return written.error();
    return made;
}

/// Two edges that start at once on a new folder must not mix their halves. Held until the descriptor is closed.
outcome<unique_fd> lock_folder(const std::filesystem::path& folder) {
    unique_fd file(::open((folder / ".ca.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || ::flock(file.get(), LOCK_EX) != 0)
        return failure(errc::file_io,
                       "Cannot lock " + (folder / ".ca.lock").string() + ": " + std::generic_category().message(errno));
    return file;
}

outcome<authority> load(const authority_files& at) {
    authority found;
    auto key_text = read_private_file(at.key, max_authority_file);
    if (!key_text && key_text.error().code != errc::file_missing) return key_text.error();
    if (key_text) {
        const secret pem(std::move(*key_text));
        found.key = parse_private_key(pem.reveal());
        if (!found.key) return unusable(at, "its key is damaged");
    }
    auto text = read_file(at.certificate, max_authority_file);
    if (!text && text.error().code == errc::file_missing) return create(at, std::move(found.key));
    if (!text) return text.error();
    if (!found.key) return unusable(at, "its key is missing");

    auto certificates = parse_certificates(*text);
    if (certificates.size() != 1) return unusable(at, "its certificate is damaged");
    found.certificate = std::move(certificates.front());
    if (X509_check_private_key(found.certificate.get(), found.key.get()) != 1)
        return unusable(at, "its key and its certificate do not belong together");
    if (X509_cmp_current_time(X509_get0_notAfter(found.certificate.get())) < 0) return unusable(at, "it has expired");
    return found;
}

/// Leafs by name, the one used last in front. A leaf near its end counts as absent.
class leaf_cache {
public:
    const certificate_pair* find(const std::string& name, std::time_t now) {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) return nullptr;
        if (found->second->renew_at <= now) {
            entries_.erase(found->second);
            by_name_.erase(found);
            return nullptr;
        }
        entries_.splice(entries_.begin(), entries_, found->second);
        return &entries_.front().pair;
    }

    const certificate_pair* add(const std::string& name, certificate_pair pair, std::time_t renew_at) {
        if (entries_.size() >= max_names) {
            by_name_.erase(entries_.back().name);
            entries_.pop_back();
        }
        entries_.push_front({name, std::move(pair), renew_at});
        by_name_[name] = entries_.begin();
        return &entries_.front().pair;
    }

private:
    struct entry {
        std::string name;
        certificate_pair pair;
        std::time_t renew_at;
    };
    std::list<entry> entries_;
    std::unordered_map<std::string, std::list<entry>::iterator> by_name_;
};

class development_authority final : public local_authority {
public:
    development_authority(authority own, std::filesystem::path ca_path, std::string domain)
        : own_(std::move(own)), ca_path_(std::move(ca_path)), domain_(std::move(domain)) {}

    std::filesystem::path ca_path() const override { return ca_path_; }

    bool select(SSL* ssl, std::string_view server_name) override {
        const std::string name = server_name.empty() ? domain_ : std::string(server_name);
        if (!is_served(name)) return false;
        const std::lock_guard lock(mutex_);
        const auto now = std::time(nullptr);
        const auto* pair = leafs_.find(name, now);
        if (pair == nullptr) pair = sign(name, now);
        return pair != nullptr && use_pair(ssl, *pair);
    }

private:
    bool is_served(std::string_view name) const {
        if (name == domain_) return true;
        if (name.size() > max_host_name || name.size() <= domain_.size() + 1 || !name.ends_with(domain_)) return false;
        auto labels = name.substr(0, name.size() - domain_.size());
        while (!labels.empty()) {
            const auto dot = labels.find('.');
            if (dot == std::string_view::npos || !is_dns_label(labels.substr(0, dot))) return false;
            labels.remove_prefix(dot + 1);
        }
        return true;
    }

    const certificate_pair* sign(const std::string& name, std::time_t now) {
        certificate_pair pair;
        pair.key = make_key();
        if (!pair.key) return nullptr;
        pair.leaf = make_server_certificate(own_.certificate.get(), own_.key.get(), pair.key.get(), name, now - hour,
                                            now + leaf_life);
        if (!pair.leaf) return nullptr;
        return leafs_.add(name, std::move(pair), now + leaf_life - day);
    }

    const authority own_;
    const std::filesystem::path ca_path_;
    const std::string domain_;
    std::mutex mutex_;
    leaf_cache leafs_;
};

bool is_domain(std::string_view domain) {
    if (domain.size() > max_host_name) return false;
    for (;;) {
        const auto dot = domain.find('.');
        if (!is_dns_label(domain.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        domain.remove_prefix(dot + 1);
    }
}

}  // namespace

outcome<std::shared_ptr<local_authority>> local_authority::open(const std::filesystem::path& folder,
                                                                std::string domain) {
    domain = to_lower(domain);
    if (!is_domain(domain))
        return failure(errc::usage, "The domain of the edge is not a host name",
                       "Write it like --domain t.example.com");
    auto ready = make_private_directory(folder);
    if (!ready) return ready.error();
    const auto absolute = std::filesystem::absolute(folder);
    const authority_files files{absolute / "ca.pem", absolute / "ca-key.pem"};
    const auto lock = lock_folder(absolute);
    if (!lock) return lock.error();
    auto own = load(files);
    if (!own) return own.error();
    return std::shared_ptr<local_authority>(
        std::make_shared<development_authority>(std::move(*own), files.certificate, std::move(domain)));
}

}  // namespace instatunnel::net
