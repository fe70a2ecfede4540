#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// What a client asks visitors of its tunnel to prove, as it came in HELLO.
struct gate_wish {
    secret password;
    secret basic;  ///< "user:password"
    secret seed;   ///< of the client's process: the same one after it reconnects, to this edge or another
    bool any() const noexcept { return !password.empty() || !basic.empty(); }
};

/// Stands before one tunnel and lets only those in who know its password (a page, a header, or Basic with any user
/// name) or its Basic credentials. It keeps no password: a digest under a random key, made when the client connects.
/// That digest is a cheap one on purpose. It never leaves this process's memory, each request of a program computes
/// one, and guesses from outside are counted; a dear one would be a gift to whoever floods the tunnel.
class gate {
public:
    static constexpr std::chrono::seconds cookie_life = std::chrono::hours(24);
    static constexpr std::string_view cookie_name = "__Host-instatunnel-access";
    static constexpr std::string_view sign_in_path = "/.instatunnel/sign-in";

    /// `host`: of the tunnel. A cookie is good for this host, password and seed alone.
    gate(const gate_wish& wish, std::string host);

    /// What a visitor brought that the tunnel asked for; it is the tunnel's and ends here.
    enum class proof : std::uint8_t { none, cookie, header, basic };

    struct verdict {
        std::optional<service::api_response> refusal;  ///< the visitor's answer; empty: let it pass
        proof shown = proof::none;
        bool is_sign_in = false;  ///< the page's form: read the body, then ask sign_in()
    };
    /// `tries` counts what was wrong, for this visitor's address and this tunnel.
    verdict check(const wire::request_head& head, auth::token_bucket& tries, std::chrono::steady_clock::time_point now,
                  std::chrono::sys_seconds wall) const;

    /// The answer to the page's form: back to where the visitor wanted to go with a cookie, or the page again.
    service::api_response sign_in(std::string_view form, auth::token_bucket& tries,
                                  std::chrono::steady_clock::time_point now, std::chrono::sys_seconds wall) const;

    /// Takes what was the tunnel's own out of the fields that travel on: the proof, our cookie and our header; the
    /// app's cookies and credentials stay. `scratch` keeps rewritten values
    /// and lives as long as the views in `fields`.
    void hide(proof shown, std::vector<wire::field>& fields, std::string& scratch) const;

private:
    enum class answer : std::uint8_t { right, wrong, too_many };
    answer judge(bool is_right, auth::token_bucket& tries, std::chrono::steady_clock::time_point now) const;
    bool is_password(std::string_view text) const;
    bool is_basic(std::string_view token) const;
    std::string make_cookie(std::chrono::sys_seconds wall) const;
    bool is_cookie(std::string_view value, std::chrono::sys_seconds wall) const;
    bool has_cookie(const wire::request_head& head, std::chrono::sys_seconds wall) const;
    service::api_response ask(const wire::request_head& head, answer so_far) const;

    std::string host_;
    std::string salt_;
    std::string password_;  ///< digest; empty: no password is asked for
    std::string basic_;     ///< digest of the credentials in base64; empty: none are asked for
    std::string cookie_key_;
};

}  // namespace instatunnel::edge
