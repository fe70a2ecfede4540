#pragma once

#include <filesystem>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::config {

struct mcp_token {
    secret token;  ///< `itm_` and 40 of [A-Za-z0-9]
    bool is_new = false;
};

/// A token that no tunnel has.
secret make_mcp_token();

/// The tokens with which callers of MCP tunnels prove that they may, by server and by the tunnel's name: in
/// `mcp-tokens.json` (0600) beside config.json. Every write takes a lock, reads the file again and replaces it
/// atomically.
class mcp_token_store {
public:
    /// `home` is the folder; it is made (0700) only by the first write. Nothing is read yet.
    explicit mcp_token_store(std::filesystem::path home) : file_(std::move(home) / "mcp-tokens.json") {}

    const std::filesystem::path& file() const noexcept { return file_; }

    /// The tunnel's token, made and stored if it has none. `rotate`: a new one takes its place.
    /// Errors: file_permission, config_invalid, config_locked, file_io.
    outcome<mcp_token> take(const std::string& server, const std::string& name, bool rotate) const;

private:
    std::filesystem::path file_;
};

}  // namespace instatunnel::config
