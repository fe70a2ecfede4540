#include "instatunnel/oauth/client_document.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client_limits.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/oauth/authorization.hpp"
#include "instatunnel/oauth/clients.hpp"

namespace instatunnel::oauth {
namespace {

using nlohmann::json;

constexpr std::size_t max_values = 64;
constexpr std::size_t max_scope = 1024;

refusal bad(std::string why) {
    return {"invalid_client_metadata", "The client's document is not usable: " + std::move(why)};
}

refusal bad_redirect(std::string why) {
    return {"invalid_redirect_uri", "The client's document is not usable: " + std::move(why)};
}

/// A member that is text. Absent: empty.
answer<std::string> text_of(const json& document, const char* name) {
    const auto member = document.find(name);
    // A refusal could be made of a text too, so it is said which of the two it is.
    if (member == document.end()) return {boost::system::in_place_value, std::string()};
    if (!member->is_string()) return bad(std::string(name) + " is not text");
    return {boost::system::in_place_value, member->get<std::string>()};
}

/// A member that is a list of texts. Absent: empty.
answer<std::vector<std::string>> texts_of(const json& document, const char* name) {
    std::vector<std::string> texts;
    const auto member = document.find(name);
    if (member == document.end()) return texts;
    const bool is_list = member->is_array() && member->size() <= max_values &&
                         std::ranges::all_of(*member, [](const json& one) { return one.is_string(); });
    if (!is_list) return bad(std::string(name) + " is not a list of texts");
    for (const auto& one : *member)
        texts.push_back(one.get<std::string>());
    return texts;
}

std::string_view origin_of(std::string_view url) noexcept {
    return url.substr(0, url.find('/', std::string_view("https://").size()));
}

// A document is for all to read: what is in it authenticates nobody (§4.1).
answer<void> check_credentials(const json& document) {
    for (const auto* name : {"client_secret", "client_secret_expires_at"})
        if (document.contains(name)) return bad(std::string(name) + " must not be in it");
    const auto method = text_of(document, "token_endpoint_auth_method");
    if (!method) return method.error();
    if (!method->empty() && *method != "none")
        return bad("token_endpoint_auth_method must be none: this server takes public clients only in this way");
    return {};
}

answer<void> read_name(const json& document, std::string_view url, store::oauth_client& client) {
    auto name = text_of(document, "client_name");
    if (!name) return name.error();
    client.name = std::move(*name);
    if (client.name.empty()) client.name = origin_of(url).substr(std::string_view("https://").size()).substr(0, 120);
    if (!auth::is_display_name(client.name))
        return bad("client_name must have 1 to 120 bytes and no control characters");
    return {};
}

// Only a page of the document's own host is linked to: anybody can write down the address of somebody they want to
// pass for (§8.1).
answer<void> read_home_page(const json& document, std::string_view url, store::oauth_client& client) {
    auto uri = text_of(document, "client_uri");
    if (!uri) return uri.error();
    if (uri->starts_with("https://") && origin_of(*uri) == origin_of(url) && auth::check_redirect_uri(*uri))
        client.uri = std::move(*uri);
    return {};
}

// A document is written for many servers: grants that are not ours are left out.
answer<void> read_grants(const json& document, store::oauth_client& client) {
    auto grants = texts_of(document, "grant_types");
    if (!grants) return grants.error();
    if (!document.contains("grant_types")) *grants = {std::string(grant_code), std::string(grant_refresh)};
    for (const auto grant : {grant_code, grant_refresh, grant_device})
        if (std::ranges::find(*grants, grant) != grants->end()) client.grants.emplace_back(grant);
    if (!may_use(client, grant_code) && !may_use(client, grant_device))
        return bad("grant_types names neither authorization_code nor the device grant");
    const auto responses = texts_of(document, "response_types");
    if (!responses) return responses.error();
    if (document.contains("response_types") && may_use(client, grant_code) &&
        std::ranges::find(*responses, "code") == responses->end())
        return bad("response_types does not name code");
    return {};
}

answer<void> read_redirects(const json& document, store::oauth_client& client) {
    auto uris = texts_of(document, "redirect_uris");
    if (!uris) return uris.error();
    if (uris->size() > max_redirect_uris) return bad_redirect("at most 16 redirect addresses are allowed");
    if (uris->empty() && may_use(client, grant_code)) return bad_redirect("redirect_uris is missing or empty");
    for (const auto& uri : *uris)
        if (auto usable = auth::check_redirect_uri(uri); !usable)
            return bad_redirect(std::string(usable.error().what()));
    client.redirect_uris = std::move(*uris);
    return {};
}

// The most it may ask for. Words that only other servers know are left out; if nothing is left, it may ask for nothing,
// which "no scopes" would turn into everything.
answer<void> read_scope(const json& document, store::oauth_client& client) {
    const auto scope = text_of(document, "scope");
    if (!scope) return scope.error();
    if (scope->size() > max_scope) return bad("scope is longer than 1,024 bytes");
    if (!document.contains("scope")) return {};
    std::string_view rest(*scope);
    while (!rest.empty()) {
        const auto end = std::min(rest.find(' '), rest.size());
        const auto word = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (is_client_scope(word) && std::ranges::find(client.scopes, word) == client.scopes.end())
            client.scopes.emplace_back(word);
    }
    if (client.scopes.empty()) return bad("scope holds none that this server knows");
    return {};
}

}  // namespace

answer<store::oauth_client> read_client_document(std::string_view url, std::string_view text, wall_time now) {
    if (auto usable = check_client_document_url(url); !usable) return usable.error();
    if (text.size() > max_client_document) return bad("it is larger than 5 KiB");
    const auto document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object()) return bad("it is no JSON object");
    const auto id = text_of(document, "client_id");
    if (!id) return id.error();
    if (*id != url) return bad("client_id is not the address that it was fetched from");
    store::oauth_client client;
    client.id = url;
    client.origin = store::client_origin::document;
    client.created_at = now;
    client.fetched_at = now;
    if (auto done = check_credentials(document); !done) return done.error();
    if (auto done = read_name(document, url, client); !done) return done.error();
    if (auto done = read_home_page(document, url, client); !done) return done.error();
    if (auto done = read_grants(document, client); !done) return done.error();
    if (auto done = read_redirects(document, client); !done) return done.error();
    if (auto done = read_scope(document, client); !done) return done.error();
    return client;
}

}  // namespace instatunnel::oauth
