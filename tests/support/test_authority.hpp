#pragma once

#include <ctime>
#include <string>

#include "net/certificate_maker.hpp"
#include "temporary_folder.hpp"

namespace instatunnel::test {

inline constexpr std::time_t one_day = 86400;

/// An authority made for one test, and PEM files signed by it.
class test_authority {
public:
    test_authority()
        : key_(net::make_key()), certificate_(net::make_authority(key_.get(), now() - one_day, now() + one_day)) {}

    std::string pem() const { return net::certificate_to_pem(certificate_.get()); }

    struct signed_pair {
        std::string certificate;
        std::string key;
    };
    signed_pair sign(const std::string& name, std::time_t from = now() - one_day,
                     std::time_t until = now() + one_day) const {
        const auto key = net::make_key();
        const auto leaf = net::make_server_certificate(certificate_.get(), key_.get(), key.get(), name, from, until);
        return {net::certificate_to_pem(leaf.get()), std::string(net::key_to_pem(key.get()).reveal())};
    }

    static std::time_t now() { return std::time(nullptr); }

private:
    net::key_ptr key_;
    net::x509_ptr certificate_;
};

}  // namespace instatunnel::test
