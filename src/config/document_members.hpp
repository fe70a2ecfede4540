#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "document.hpp"
#include "instatunnel/config/profile_store.hpp"

/// Reading and changing the members of config.json, for the parts of profile_store.
namespace instatunnel::config {

inline constexpr const char* keystore_setting = "keystore";

/// A missing member is an empty string, any other type an error that names it.
outcome<std::string> text_member(const std::filesystem::path& file, const nlohmann::json& object,
                                 const std::string& where, const char* name);

/// The object `name` of the document: nullptr if absent.
outcome<const nlohmann::json*> section(const std::filesystem::path& file, const nlohmann::json& document,
                                       const char* name);

/// The same, made if absent.
outcome<nlohmann::json*> editable_section(const std::filesystem::path& file, nlohmann::json& parent,
                                          const std::string& name);

/// An empty value removes the member, so that the file shows only what is set.
void put(nlohmann::json& object, const char* name, std::string_view value);

/// An editor of the store's file, whose folder is made if it is ours.
outcome<document_editor> edit_document(const profile_store& store);

/// Lets `change` edit the document and writes it; a failure of `change` leaves the file as it is.
outcome<void> change_document(const profile_store& store, const std::function<outcome<void>(nlohmann::json&)>& change);

}  // namespace instatunnel::config
