#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::auth {

/// A new API key: `it_` and 16 characters of [A-Za-z0-9] from the system's generator (95 bits).
secret make_api_key();
/// A new opaque id such as "key_8Fh2…": `prefix` without the underscore, then 16 characters (95 bits).
std::string make_id(std::string_view prefix);
/// A new password for a person: 20 characters of [A-Za-z0-9] (119 bits).
secret make_password();

/// What the store keeps of a key instead of the key. A leaked database alone says nothing about keys, because the
/// pepper lies outside of it; 95 random bits need no slow hash on top.
std::string key_digest(const secret& pepper, std::string_view key);

/// Reads FOLDER/pepper.key (0600), makes it if it is missing. Two processes that start at once agree on one.
/// Errors: file_permission, file_io, store_failed (the file does not hold a pepper).
outcome<secret> load_or_make_pepper(const std::filesystem::path& folder);
/// A secret of its own for another purpose: who learns it learns nothing about the pepper or other purposes.
secret derive_secret(const secret& pepper, std::string_view purpose);
/// Tells two peppers apart without saying what they are; stored beside the digests, so that a pepper that was
/// replaced is noticed at start instead of turning every key invalid.
std::string pepper_fingerprint(const secret& pepper);

}  // namespace instatunnel::auth
