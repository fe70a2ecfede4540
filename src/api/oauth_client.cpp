#include "instatunnel/api/oauth_client.hpp"

#include <algorithm>

#include "form_call.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"
#include "json_call.hpp"

namespace instatunnel::api {
namespace {

using std::chrono::seconds;

constexpr auto discovery_limit = seconds(15);
constexpr std::string_view code_grant = "authorization_code";
constexpr std::string_view device_grant_type = "urn:ietf:params:oauth:grant-type:device_code";
constexpr std::size_t max_token = 4096;
constexpr std::size_t max_address = 2048;
constexpr std::size_t max_user_code = 32;
constexpr std::uint64_t longest_device_life = 3600;
constexpr std::uint64_t longest_interval = 60;
constexpr std::uint64_t usual_interval = 5;  // RFC 8628 §3.2: where the server names none

failure no_such_sign_in(const std::string& server, const std::string& what) {
    return {errc::not_found, server + " has no sign-in " + what, "Sign in with a password: instatunnel login -e EMAIL"};
}

failure foreign_description(const std::string& server, const std::string& what) {
    return {errc::unexpected_reply, server + " describes its sign-in wrongly: " + what,
            "Nothing was sent. Check that --server names an InstaTunnel server"};
}

// Printable ASCII without a blank (RFC 6749 appendix A: VSCHAR).
bool is_opaque(std::string_view value, std::size_t longest) {
    return !value.empty() && value.size() <= longest &&
           std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f; });
}

// Takes the text out of `object`, so that no second copy of it stays in memory.
secret take_secret(json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (found == object.end() || !found->is_string()) return {};
    secret value(std::move(found->get_ref<std::string&>()));
    return is_opaque(value.reveal(), max_token) ? std::move(value) : secret();
}

// An address in the description. False if it belongs to another origin. The text itself is compared, slash and all: a
// browser and we must not read two different hosts out of it.
bool read_endpoint(const json& body, const char* name, const std::string& origin, std::string& into) {
    const auto& value = member(body, name);
    if (value.is_null()) return true;
    if (!value.is_string() || !is_opaque(value.get_ref<const std::string&>(), max_address)) return false;
    into = value.get<std::string>();
    return into.starts_with(origin + "/") && into.find_first_of("?#\\") == std::string::npos;
}

outcome<oauth_server> read_description(const json& body, const std::string& server) {
    const auto own = net::parse_url(server);
    if (!own) return own.error();
    oauth_server found;
    const auto& issuer = member(body, "issuer");
    if (!issuer.is_string() || issuer.get_ref<const std::string&>() != server)
        return foreign_description(server, "it says that it is another server");
    found.issuer = server;
    const std::pair<const char*, std::string*> endpoints[] = {
        {"authorization_endpoint", &found.authorization_endpoint},
        {"token_endpoint", &found.token_endpoint},
        {"device_authorization_endpoint", &found.device_authorization_endpoint},
        {"revocation_endpoint", &found.revocation_endpoint},
    };
    for (const auto& [name, into] : endpoints)
        if (!read_endpoint(body, name, own->origin(), *into))
            return foreign_description(server, std::string(name) + " is not an address of this server");
    if (found.token_endpoint.empty()) return foreign_description(server, "token_endpoint is missing");
    return found;
}

outcome<oauth_tokens> read_tokens(json& body, const std::string& server) {
    oauth_tokens tokens;
    tokens.access_token = take_secret(body, "access_token");
    tokens.refresh_token = take_secret(body, "refresh_token");
    tokens.scope = text(body, "scope");
    // RFC 6749 §5.1: absent means as asked for.
    if (tokens.scope.empty()) tokens.scope = oauth_scope;
    if (tokens.access_token.empty() || !iequals(text(body, "token_type"), "bearer")) return unexpected(server);
    return tokens;
}

// Only a page that a person can open safely, and nothing that could steer a terminal.
std::string read_page(const json& body, const char* name) {
    auto address = text(body, name);
    return is_opaque(address, max_address) && address.starts_with("https://") ? address : std::string();
}

outcome<device_grant> read_device_grant(json& body, const std::string& server) {
    device_grant grant;
    grant.device_code = take_secret(body, "device_code");
    grant.user_code = text(body, "user_code");
    grant.verification_uri = read_page(body, "verification_uri");
    grant.verification_uri_complete = read_page(body, "verification_uri_complete");
    const auto life = std::min(count(body, "expires_in"), longest_device_life);
    const bool names_interval = member(body, "interval").is_number_unsigned();
    const auto interval = names_interval ? count(body, "interval") : usual_interval;
    grant.expires_in = seconds(life);
    grant.interval = seconds(std::clamp(interval, std::uint64_t{1}, longest_interval));
    if (grant.device_code.empty() || !is_opaque(grant.user_code, max_user_code) || grant.verification_uri.empty() ||
        life == 0)
        return unexpected(server);
    return grant;
}

}  // namespace

oauth_client::oauth_client(http_client& http, std::string server) : http_(http), server_(std::move(server)) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<oauth_server> oauth_client::discover() {
    auto reply = http_.send("GET", server_ + "/.well-known/oauth-authorization-server",
                            {{"Accept", "application/json"}}, {}, discovery_limit);
    if (!reply) return reply.error();
    if (reply->status == 404) return no_such_sign_in(server_, "with a browser or a device code");
    if (reply->status != 200) return to_failure(*reply, question::with_key, server_);
    const auto body = json::parse(reply->body.reveal(), nullptr, /*allow_exceptions=*/false);
    if (!body.is_object()) return unexpected(server_);
    return read_description(body, server_);
}

outcome<oauth_tokens> oauth_client::exchange_code(const oauth_server& at, const secret& code,
                                                  const std::string& redirect_uri, const secret& verifier) {
    auto answer = form_call(http_, server_)
                      .send(at.token_endpoint, {{"grant_type", code_grant},
                                                {"client_id", oauth_client_id},
                                                {"code", code.reveal()},
                                                {"redirect_uri", redirect_uri},
                                                {"code_verifier", verifier.reveal()}});
    if (!answer) return answer.error();
    if (answer->error == "invalid_grant")
        return failure(errc::sign_in_expired,
                       "The server does not take the browser's answer any more: it came too late, "
                       "or was used before");
    if (!answer->error.empty()) return answer->problem;
    return read_tokens(answer->body, server_);
}

outcome<device_grant> oauth_client::begin_device(const oauth_server& at) {
    if (at.device_authorization_endpoint.empty()) return no_such_sign_in(server_, "with a device code");
    auto answer = form_call(http_, server_)
                      .send(at.device_authorization_endpoint, {{"client_id", oauth_client_id}, {"scope", oauth_scope}});
    if (!answer) return answer.error();
    if (!answer->error.empty()) return answer->problem;
    return read_device_grant(answer->body, server_);
}

outcome<device_poll> oauth_client::poll_device(const oauth_server& at, const secret& device_code) {
    auto answer = form_call(http_, server_)
                      .send(at.token_endpoint, {{"grant_type", device_grant_type},
                                                {"client_id", oauth_client_id},
                                                {"device_code", device_code.reveal()}});
    if (!answer) return answer.error();
    const auto& error = answer->error;
    if (error == "authorization_pending") return device_poll{};
    if (error == "slow_down") return device_poll{std::nullopt, /*slow_down=*/true};
    if (error == "access_denied") return failure(errc::sign_in_denied);
    // A code that the server has forgotten is past its end as well.
    if (error == "expired_token" || error == "invalid_grant") return failure(errc::sign_in_expired);
    if (!error.empty()) return answer->problem;
    auto tokens = read_tokens(answer->body, server_);
    if (!tokens) return tokens.error();
    return device_poll{std::move(*tokens), false};
}

outcome<void> oauth_client::revoke(const oauth_server& at, const secret& token) {
    if (at.revocation_endpoint.empty() || token.empty()) return {};
    auto answer = form_call(http_, server_)
                      .send(at.revocation_endpoint, {{"token", token.reveal()}, {"client_id", oauth_client_id}});
    if (!answer) return answer.error();
    if (!answer->error.empty()) return answer->problem;
    return {};
}

std::string authorization_url(const oauth_server& at, const std::string& redirect_uri, const std::string& state,
                              const std::string& code_challenge) {
    form query;
    query.add("response_type", "code").add("client_id", std::string(oauth_client_id));
    query.add("redirect_uri", redirect_uri).add("scope", std::string(oauth_scope)).add("state", state);
    query.add("code_challenge", code_challenge).add("code_challenge_method", "S256");
    return at.authorization_endpoint + "?" + query.text();
}

}  // namespace instatunnel::api
