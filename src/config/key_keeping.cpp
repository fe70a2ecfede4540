#include "document_members.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::config {
namespace {

using nlohmann::json;

constexpr std::size_t keyring_id_length = 16;
constexpr const char* in_keyring = "keyring";

const failure no_ring(errc::keyring_unavailable, "The key is in the system keyring, which this process does not use");

// Writing a key is only believed when it can be read back: a keyring may take it for the session only, or not at all.
outcome<void> deposit(keyring& ring, const keyring_entry& entry, const secret& key) {
    if (auto stored = ring.store(entry, key); !stored) return stored;
    const auto found = ring.find(entry.id);
    if (!found) return found.error();
    if (!found->has_value() || !constant_time_equal((*found)->reveal(), key.reveal()))
        return failure(errc::keyring_unavailable, "The system keyring did not keep the key");
    return {};
}

failure lost(const std::string& profile) {
    const std::string whose = profile.empty() ? "" : " of profile " + profile;
    const std::string flag = profile.empty() ? "" : " --profile " + profile;
    return {errc::no_key, "The system keyring does not hold the API key" + whose + " any more",
            "Sign in again: instatunnel login" + flag + ", or forget it: instatunnel logout" + flag};
}

// Empty for anything but a string.
std::string text_of(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool goes_to_keyring(const json& document, const std::string& profile) {
    if (profile == dev_profile) return false;
    const auto settings = document.find("settings");
    return settings != document.end() && text_of(*settings, keystore_setting) == in_keyring;
}

/// A profile whose key moves: its object in the document and its entry in the keyring.
struct mover {
    json* object;
    keyring_entry entry;
};

outcome<std::vector<mover>> profiles_to_move(const std::filesystem::path& file, json& document, const char* with,
                                             const char* without) {
    std::vector<mover> found;
    const auto profiles = editable_section(file, document, "profiles");
    if (!profiles) return profiles.error();
    for (auto& [name, object] : (*profiles)->items()) {
        if (name == dev_profile || text_of(object, with).empty()) continue;
        if (without != nullptr && !text_of(object, without).empty()) continue;
        found.push_back({&object, {text_of(object, "keyring"), name, text_of(object, "server")}});
    }
    return found;
}

std::vector<std::string> names_of(const std::vector<mover>& moved) {
    std::vector<std::string> names;
    for (const auto& one : moved)
        names.push_back(one.entry.profile);
    return names;
}

outcome<void> note_place(const std::filesystem::path& file, json& document, keystore place) {
    const auto settings = editable_section(file, document, "settings");
    if (!settings) return settings.error();
    put(**settings, keystore_setting, place == keystore::keyring ? in_keyring : "");
    return {};
}

// First the ids, so that whoever repeats an interrupted move finds the entries it made; then the entries; then the keys
// leave the file.
outcome<std::vector<std::string>> move_to_keyring(const std::filesystem::path& file, document_editor& editor,
                                                  keyring& ring) {
    auto movers = profiles_to_move(file, editor.root(), "key", nullptr);
    if (!movers) return movers.error();
    for (auto& one : *movers) {
        if (one.entry.id.empty()) one.entry.id = random_base62(keyring_id_length);
        (*one.object)["keyring"] = one.entry.id;
    }
    if (!movers->empty())
        if (auto noted = editor.write(); !noted) return noted.error();
    for (const auto& one : *movers) {
        const secret key(text_of(*one.object, "key"));
        if (auto stored = deposit(ring, one.entry, key); !stored) return stored.error();
    }
    for (const auto& one : *movers)
        one.object->erase("key");
    if (auto noted = note_place(file, editor.root(), keystore::keyring); !noted) return noted.error();
    if (auto written = editor.write(); !written) return written.error();
    return names_of(*movers);
}

// The keys are in the file before the first entry goes.
outcome<std::vector<std::string>> move_to_file(const std::filesystem::path& file, document_editor& editor,
                                               keyring* ring) {
    auto fetched = profiles_to_move(file, editor.root(), "keyring", "key");
    if (!fetched) return fetched.error();
    auto left = profiles_to_move(file, editor.root(), "keyring", nullptr);
    if (!left) return left.error();
    if (!left->empty() && ring == nullptr) return no_ring;
    for (const auto& one : *fetched) {
        const auto key = ring->find(one.entry.id);
        if (!key) return key.error();
        if (!key->has_value()) return lost(one.entry.profile);
        (*one.object)["key"] = (*key)->reveal();
    }
    if (auto noted = note_place(file, editor.root(), keystore::file); !noted) return noted.error();
    if (auto written = editor.write(); !written) return written.error();
    for (const auto& one : *left) {
        if (auto erased = ring->erase(one.entry.id); !erased) return erased.error();
        one.object->erase("keyring");
    }
    if (!left->empty())
        if (auto written = editor.write(); !written) return written.error();
    return names_of(*fetched);
}

}  // namespace

outcome<secret> profile_store::key_of(const profile& p) const {
    if (!p.key.empty() || p.keyring_id.empty()) return p.key.clone();
    if (ring_ == nullptr) return no_ring;
    auto found = ring_->find(p.keyring_id);
    if (!found) return found.error();
    if (!found->has_value()) return lost({});
    return std::move(**found);
}

outcome<keystore> profile_store::key_place() const {
    const auto value = setting(keystore_setting);
    if (!value) return value.error();
    return *value == in_keyring ? keystore::keyring : keystore::file;
}

outcome<std::vector<std::string>> profile_store::move_keys(keystore to) const {
    if (to == keystore::keyring) {
        if (ring_ == nullptr) return no_ring;
        // A keyring that cannot be used is found out before anything is written.
        if (auto answers = ring_->find("none"); !answers) return answers.error();
    }
    auto editor = edit_document(*this);
    if (!editor) return editor.error();
    return to == keystore::keyring ? move_to_keyring(file_, *editor, *ring_) : move_to_file(file_, *editor, ring_);
}

outcome<void> profile_store::save(const std::string& name, const profile& p) const {
    if (auto usable = check_name(name); !usable) return usable;
    auto editor = edit_document(*this);
    if (!editor) return editor.error();
    const auto profiles = editable_section(file_, editor->root(), "profiles");
    if (!profiles) return profiles.error();
    const auto object = editable_section(file_, **profiles, name);
    if (!object) return object.error();
    auto old_id = text_member(file_, **object, "profiles." + name, "keyring");
    if (!old_id) return old_id.error();

    std::string id;
    if (!p.key.empty() && ring_ != nullptr && goes_to_keyring(editor->root(), name)) {
        // An id of its own: until the file names it, the old key counts.
        id = random_base62(keyring_id_length);
        if (auto stored = deposit(*ring_, {id, name, p.server}, p.key); !stored) return stored;
    }
    const bool is_forgotten = p.key.empty() && !old_id->empty();
    if (is_forgotten) {
        if (ring_ == nullptr) return no_ring;
        if (auto erased = ring_->erase(*old_id); !erased) return erased;
    }
    put(**object, "server", p.server);
    put(**object, "cacert", p.cacert);
    put(**object, "email", p.email);
    put(**object, "key", id.empty() ? p.key.reveal() : std::string_view());
    put(**object, "key_id", p.key_id);
    put(**object, "keyring", id);
    if (auto written = editor->write(); !written) return written;
    // The new key is in place; that an entry nobody names cannot be removed is no reason to fail.
    if (!old_id->empty() && !is_forgotten && ring_ != nullptr) (void)ring_->erase(*old_id);
    return {};
}

outcome<void> profile_store::remove(const std::string& name) const {
    if (auto emptied = save(name, {}); !emptied) return emptied;
    return change_document(*this, [&](json& document) -> outcome<void> {
        const auto profiles = editable_section(file_, document, "profiles");
        if (!profiles) return profiles.error();
        (*profiles)->erase(name);
        return {};
    });
}

}  // namespace instatunnel::config
