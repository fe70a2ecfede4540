#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

/// JSON schemas of what a tool takes, and the check that holds callers to them: one text for both. Of JSON Schema as
/// much as tools here need.
namespace instatunnel::cli::schema {

nlohmann::json text(const char* description, std::size_t max_length = 4096);
nlohmann::json integer(const char* description, std::int64_t least, std::int64_t most);
nlohmann::json yes_or_no(const char* description);
/// One of some words.
nlohmann::json word(const char* description, nlohmann::json words);
nlohmann::json texts(const char* description, std::size_t most);
/// An object of any names. `value`: the schema of its values; an empty object: any.
nlohmann::json map(const char* description, nlohmann::json value, std::size_t most);
/// An object that has these properties and no others.
nlohmann::json object(nlohmann::json properties, nlohmann::json required);
/// The same for results, which may grow.
nlohmann::json result(nlohmann::json properties, nlohmann::json required);

/// What is wrong with `value` by `schema`, as a sentence for the program that wrote it; nullopt: nothing. `name` is
/// whose value it is: "the arguments of read_request".
std::optional<std::string> fault_of(const nlohmann::json& value, const nlohmann::json& schema, const std::string& name);

}  // namespace instatunnel::cli::schema
