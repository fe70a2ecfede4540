#include "device_login.hpp"

#include <algorithm>

#include "json_line.hpp"
#include "key_from_tokens.hpp"
#include "qr_code.hpp"

namespace instatunnel::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto slow_down_by = seconds(5);
constexpr auto longest_pause = seconds(60);

// Whether the same request may be answered later; a server that answers nonsense will not get better.
bool may_pass(errc code) {
    return is_retryable(code) && code != errc::unexpected_reply;
}

std::string length_of(seconds life) {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(life).count();
    if (minutes > 0) return std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
    return std::to_string(life.count()) + (life.count() == 1 ? " second" : " seconds");
}

void draw(const std::string& address, context& c) {
    if (address.empty() || !c.env.utf8 || !c.term.may_draw()) return;
    for (const auto& line : qr_lines(address, c.term.has_colour(), c.term.columns()))
        c.term.notice(line);
}

void announce(const api::device_grant& grant, context& c) {
    if (c.term.json()) {
        c.term.result(json_line("login.device")
                          .with("user_code", grant.user_code)
                          .with("verification_uri", grant.verification_uri)
                          .with("verification_uri_complete", grant.verification_uri_complete)
                          .with("expires_in", grant.expires_in.count())
                          .text());
        return;
    }
    c.term.notice("On any device with a browser, go to: " + grant.verification_uri);
    c.term.notice("and type this code: " + grant.user_code);
    draw(grant.verification_uri_complete, c);
    c.term.notice("Waiting for your answer there, for " + length_of(grant.expires_in) + "; Ctrl+C stops");
}

failure in_words_of_devices(const failure& f) {
    if (f.code != errc::sign_in_expired) return f;
    return {f.code, "Nobody typed the code in time", "Start again: instatunnel login --device"};
}

}  // namespace

outcome<api::oauth_tokens> poll_for_tokens(api::oauth_client& client, const api::oauth_server& at,
                                           const api::device_grant& grant, const polling_seams& seams) {
    const auto deadline = seams.now() + grant.expires_in;
    milliseconds interval = grant.interval;
    milliseconds pause = interval;
    bool in_trouble = false;
    for (auto now = seams.now(); now < deadline; now = seams.now()) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - now);
        if (!seams.sleep(std::min(pause, left))) return failure(errc::cancelled);
        auto answer = client.poll_device(at, grant.device_code);
        if (!answer) {
            if (!may_pass(answer.error().code)) return in_words_of_devices(answer.error());
            if (!std::exchange(in_trouble, true)) seams.on_trouble(answer.error());
            pause = std::min<milliseconds>(2 * pause, std::max<milliseconds>(longest_pause, interval));
            continue;
        }
        if (answer->tokens) return std::move(*answer->tokens);
        if (answer->slow_down) interval += slow_down_by;
        pause = interval;
        in_trouble = false;
    }
    return in_words_of_devices(errc::sign_in_expired);
}

outcome<sign_in_result> sign_in_with_device(api::http_client& http, const std::string& server,
                                            interruption& interrupted, context& c) {
    api::oauth_client client(http, server);
    const auto at = client.discover();
    if (!at) return at.error();
    const auto grant = client.begin_device(*at);
    if (!grant) return grant.error();
    if (interrupted.happened()) return failure(errc::cancelled);
    announce(*grant, c);
    const polling_seams seams{
        [&](milliseconds length) { return interrupted.sleep(length); }, c.now,
        [&](const failure& f) { c.term.notice(printable(f.what()) + "; trying again until the code runs out"); }};
    const auto tokens = poll_for_tokens(client, *at, *grant, seams);
    if (!tokens) return tokens.error();
    return key_from_tokens(client, *at, *tokens, http, server, interrupted, c);
}

}  // namespace instatunnel::cli
