#include "instatunnel/config/mcp_tokens.hpp"

#include <algorithm>

#include "document.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::config {
namespace {

using nlohmann::json;

constexpr std::string_view mcp_token_prefix = "itm_";
constexpr std::size_t mcp_token_characters = 40;

bool is_mcp_token(std::string_view text) {
    const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return text.size() == mcp_token_prefix.size() + mcp_token_characters && text.starts_with(mcp_token_prefix) &&
           std::ranges::all_of(text.substr(mcp_token_prefix.size()), usable);
}

// Empty: there is none, or something else stands in its place.
secret token_in(const json& root, const std::string& server, const std::string& name) {
    const auto servers = root.find("servers");
    if (servers == root.end() || !servers->is_object()) return {};
    const auto tunnels = servers->find(server);
    if (tunnels == servers->end() || !tunnels->is_object()) return {};
    const auto token = tunnels->find(name);
    if (token == tunnels->end() || !token->is_string() || !is_mcp_token(token->get_ref<const std::string&>()))
        return {};
    return secret(token->get<std::string>());
}

json& object_in(json& parent, const std::string& name) {
    json& member = parent[name];
    if (!member.is_object()) member = json::object();
    return member;
}

// The document's own advice is about keys, which are not in this file.
failure unreadable(failure why, const std::filesystem::path& file) {
    if (why.code == errc::config_invalid)
        why.next = "Mend it, or remove it, which ends all tokens in it: rm " + shell_word(file);
    return why;
}

}  // namespace

secret make_mcp_token() {
    return secret(std::string(mcp_token_prefix) + random_base62(mcp_token_characters));
}

outcome<mcp_token> mcp_token_store::take(const std::string& server, const std::string& name, bool rotate) const {
    if (!rotate) {
        // Without the lock: the file is replaced as a whole.
        const auto loaded = load_document(file_);
        if (!loaded) return unreadable(loaded.error(), file_);
        if (auto known = token_in(loaded->root, server, name); !known.empty()) return mcp_token{std::move(known)};
    }
    if (auto made = make_private_directory(file_.parent_path()); !made) return made.error();
    auto editor = document_editor::open(file_);
    if (!editor) return unreadable(editor.error(), file_);
    if (!rotate)
        if (auto known = token_in(editor->root(), server, name); !known.empty()) return mcp_token{std::move(known)};
    mcp_token made{make_mcp_token(), /*is_new=*/true};
    object_in(object_in(editor->root(), "servers"), server)[name] = std::string(made.token.reveal());
    if (auto written = editor->write(); !written) return written.error();
    return made;
}

}  // namespace instatunnel::config
