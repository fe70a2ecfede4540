#pragma once

#include <memory>
#include <string>

#include "credentials.hpp"
#include "instatunnel/api/key_client.hpp"

namespace instatunnel::cli {

/// What a command about keys works with: the key in use, and the account's keys at the server.
class key_session {
public:
    /// Errors: those of resolve().
    static outcome<std::unique_ptr<key_session>> open(context& c);

    api::key_client& keys() noexcept { return keys_; }
    const credentials& in_use() const noexcept { return in_use_; }
    /// The failure of a call, told with what is known of the key in use.
    failure explain(const failure& f) const;

    /// Id of the key in use; asks the server once.
    outcome<std::string> own_id();
    /// Whether that is the key that the profile holds.
    outcome<bool> is_stored(const std::string& id);
    /// Puts another key in the place of the profile's.
    outcome<void> store(const api::new_key& made, context& c) const;
    /// Takes the key out of the profile.
    outcome<void> forget(context& c) const;

private:
    key_session(credentials in_use, std::unique_ptr<api::http_client> http);

    credentials in_use_;
    std::unique_ptr<api::http_client> http_;
    api::key_client keys_;
    std::string own_id_;
};

}  // namespace instatunnel::cli
