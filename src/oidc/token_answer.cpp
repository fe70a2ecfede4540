#include "token_answer.hpp"

#include <algorithm>

#include "document_cache.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"
#include "json_text.hpp"

namespace instatunnel::oidc {
namespace {

// RFC 6749 §2.3.1: both parts are form-encoded first.
secret basic(const provider_settings& s) {
    const secret pair(percent_encode(s.client_id) + ":" + percent_encode(s.client_secret.reveal()));
    return secret("Basic " + to_base64(pair.reveal()));
}

bool is_token_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

fetch::request token_request(const provider_settings& settings, const provider_metadata& metadata, const sign_in& kept,
                             std::string_view code) {
    form body;
    body.add("grant_type", "authorization_code").add("code", std::string(code));
    body.add("redirect_uri", kept.redirect_uri).add("code_verifier", std::string(kept.verifier.reveal()));
    auto request = ask_provider(metadata.token_endpoint);
    request.is_post = true;
    switch (metadata.authentication) {
        case client_authentication::basic:
            request.authorization = basic(settings);
            break;
        case client_authentication::post:
            body.add("client_id", settings.client_id);
            body.add("client_secret", std::string(settings.client_secret.reveal()));
            break;
        case client_authentication::none:
            body.add("client_id", settings.client_id);
            break;
    }
    request.body = secret(body.text());
    return request;
}

std::string shown_error(std::string_view code) {
    const bool is_word = !code.empty() && code.size() <= 64 &&
                         std::ranges::all_of(code, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    return is_word ? std::string(code) : "an unknown error";
}

outcome<token_answer> read_token_answer(outcome<fetch::response> answer, const provider_settings& settings) {
    if (!answer) return answer.error();
    const auto document = parse_object(answer->body.reveal());
    if (answer->status != 200)
        return failure(errc::unexpected_reply,
                       settings.name + " did not take the sign-in's code: " +
                           shown_error(document ? text_of(*document, "error") : std::string()),
                       "Try again; if it stays, check client_id, the client secret and the redirect address of --oidc");
    if (!document) return failure(errc::unexpected_reply, "The token answer of " + settings.name + " is no JSON");
    token_answer read;
    read.id_token = secret(text_of(*document, "id_token"));
    if (read.id_token.empty())
        return failure(errc::unexpected_reply, "The token answer of " + settings.name + " has no ID token",
                       "The scope of --oidc must hold openid");
    read.access_token = secret(text_of(*document, "access_token"));
    if (!iequals(text_of(*document, "token_type"), "Bearer") || !is_token_text(read.access_token.reveal()))
        read.access_token = secret();
    return read;
}

}  // namespace instatunnel::oidc
