#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/oauth/tokens.hpp"

namespace instatunnel::oauth {

struct device_answer {
    secret device_code;
    std::string user_code;  ///< "WDJB-MJHT"
    std::chrono::seconds expires_in{0};
    std::chrono::seconds interval{0};
};

/// Sign-in of a device without a browser by a person with one (RFC 8628).
class device_endpoint {
public:
    device_endpoint(store::store& target, token_book& book, const server_settings& settings)
        : store_(target), book_(book), settings_(settings) {}

    /// The device asks (§3.1). `address` is shown to the person.
    answer<device_answer> begin(const store::oauth_client& client, const form& body, const std::string& address);

    /// The device asks whether the person has decided (§3.4). Refusals: authorization_pending, slow_down,
    /// access_denied, expired_token, invalid_grant.
    exchange_outcome poll(const store::oauth_client& client, const form& body);

    /// What the person is asked about; `typed` as they wrote it. nullopt: unknown, expired or decided before.
    outcome<std::optional<store::device_request>> find(std::string_view typed);
    outcome<void> approve(const store::device_request& request, const store::oauth_client& client,
                          const store::user& person);
    outcome<void> deny(const store::device_request& request, const store::user& person);

private:
    exchange_outcome decided(store::device_request& request, const store::oauth_client& client);

    store::store& store_;
    token_book& book_;
    const server_settings& settings_;
};

}  // namespace instatunnel::oauth
