#include "browser_login.hpp"

#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/base/random.hpp"
#include "json_line.hpp"
#include "key_from_tokens.hpp"
#include "loopback_callback.hpp"

namespace instatunnel::cli {
namespace {

constexpr auto patience = std::chrono::minutes(10);
constexpr std::size_t state_length = 32;

void announce(const std::string& url, const std::string& server, context& c) {
    if (c.term.json()) c.term.result(json_line("login.browser").with("url", url).text());
    if (c.env.graphical && c.open_browser && c.open_browser(url))
        c.term.notice("Opening the browser to sign in at " + server);
    c.term.notice("If no browser opens, go to: " + url);
    c.term.notice("Waiting for the browser; Ctrl+C stops. No browser on this machine? instatunnel login --device");
}

outcome<secret> wait_for_code(loopback_callback& callback, interruption& interrupted) {
    outcome<secret> code = failure(errc::cancelled);
    interrupted.during([&] { callback.stop(); }, [&] { code = callback.wait(patience); });
    return code;
}

callback_page page_for(const outcome<sign_in_result>& result) {
    if (result)
        return {200, "Signed in",
                "The terminal is signed in as " + result->who.email + ". You can close this tab and go back to it."};
    if (result.error().code == errc::sign_in_denied)
        return {200, "You said no", "Nobody was signed in. You can close this tab."};
    if (result.error().code == errc::cancelled)
        return {200, "Stopped",
                "The sign-in was stopped in the terminal: nobody was signed in. You can close this tab."};
    return {400, "Signing in failed",
            printable(result.error().what()) + ". You can close this tab; the terminal says what to do next."};
}

}  // namespace

outcome<sign_in_result> sign_in_with_browser(api::http_client& http, const std::string& server,
                                             interruption& interrupted, context& c) {
    api::oauth_client client(http, server);
    const auto at = client.discover();
    if (!at) return at.error();
    const auto state = random_base62(state_length);
    auto callback = loopback_callback::open(state, at->issuer);
    if (!callback) return callback.error();
    if (interrupted.happened()) return failure(errc::cancelled);
    const auto verifier = auth::make_code_verifier();
    const auto redirect = (*callback)->redirect_uri();
    announce(api::authorization_url(*at, redirect, state, auth::code_challenge(verifier.reveal())), server, c);

    const auto code = wait_for_code(**callback, interrupted);
    const auto finish = [&]() -> outcome<sign_in_result> {
        if (!code) return code.error();
        auto tokens = client.exchange_code(*at, *code, redirect, verifier);
        if (!tokens) return tokens.error();
        return key_from_tokens(client, *at, *tokens, http, server, interrupted, c);
    };
    auto result = finish();
    (*callback)->finish(page_for(result));
    return result;
}

}  // namespace instatunnel::cli
