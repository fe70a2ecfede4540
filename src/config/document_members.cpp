#include "document_members.hpp"

#include "instatunnel/base/file.hpp"

namespace instatunnel::config {

using nlohmann::json;

outcome<std::string> text_member(const std::filesystem::path& file, const json& object, const std::string& where,
                                 const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::string();
    if (!found->is_string()) return invalid_member(file, where + "." + name, "a string");
    return found->get<std::string>();
}

outcome<const json*> section(const std::filesystem::path& file, const json& document, const char* name) {
    const auto found = document.find(name);
    if (found == document.end() || found->is_null()) return static_cast<const json*>(nullptr);
    if (!found->is_object()) return invalid_member(file, name, "an object");
    return &*found;
}

outcome<json*> editable_section(const std::filesystem::path& file, json& parent, const std::string& name) {
    json& found = parent[name];
    if (found.is_null()) found = json::object();
    if (!found.is_object()) return invalid_member(file, name, "an object");
    return &found;
}

void put(json& object, const char* name, std::string_view value) {
    if (value.empty())
        object.erase(name);
    else
        object[name] = value;
}

outcome<document_editor> edit_document(const profile_store& store) {
    // A file elsewhere (--config) lies in a folder that is not ours to make or to narrow.
    if (store.file().parent_path() == store.home())
        if (auto made = make_private_directory(store.home()); !made) return made.error();
    return document_editor::open(store.file());
}

outcome<void> change_document(const profile_store& store, const std::function<outcome<void>(json&)>& change) {
    auto editor = edit_document(store);
    if (!editor) return editor.error();
    if (auto changed = change(editor->root()); !changed) return changed;
    return editor->write();
}

}  // namespace instatunnel::config
