#pragma once

#include <memory>
#include <optional>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::config {

/// What a key is filed under in the keyring. `id` is ours and finds it again; the rest is for the person who looks
/// through the keyring.
struct keyring_entry {
    std::string id;
    std::string profile;
    std::string server;
};

/// The desktop's store of passwords. A seam: tests replace it. Every call may wait for a person who unlocks it, at
/// most a minute. Errors of all calls: keyring_unavailable, with the reason.
class keyring {
public:
    virtual ~keyring() = default;
    virtual outcome<void> store(const keyring_entry& entry, const secret& key) = 0;
    /// nullopt: there is no such entry (any more).
    virtual outcome<std::optional<secret>> find(const std::string& id) = 0;
    /// An entry that is not there is no error.
    virtual outcome<void> erase(const std::string& id) = 0;
};

/// The Secret Service of the session (GNOME Keyring, KWallet, KeePassXC …) through libsecret, which is looked for at
/// the first call: the program does not need it otherwise. Attributes of an entry: service=instatunnel, id, profile,
/// server.
std::unique_ptr<keyring> make_system_keyring();

}  // namespace instatunnel::config
