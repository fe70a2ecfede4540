#pragma once

#include <map>

#include "instatunnel/config/keyring.hpp"

namespace instatunnel::test {

/// A keyring in memory that can be locked, and that can stop working after a number of calls.
class memory_keyring final : public config::keyring {
public:
    struct item {
        std::string profile, server, key;
    };
    std::map<std::string, item> items;
    bool locked = false;
    int calls_left = 1'000'000;
    bool forgets = false;  ///< takes keys and keeps nothing

    outcome<void> store(const config::keyring_entry& entry, const secret& key) override {
        if (!works()) return failure(errc::keyring_unavailable);
        if (!forgets) items[entry.id] = {entry.profile, entry.server, std::string(key.reveal())};
        return {};
    }
    outcome<std::optional<secret>> find(const std::string& id) override {
        if (!works()) return failure(errc::keyring_unavailable);
        const auto found = items.find(id);
        if (found == items.end()) return std::optional<secret>();
        return std::optional<secret>(secret(found->second.key));
    }
    outcome<void> erase(const std::string& id) override {
        if (!works()) return failure(errc::keyring_unavailable);
        items.erase(id);
        return {};
    }

private:
    bool works() { return !locked && calls_left-- > 0; }
};

}  // namespace instatunnel::test
