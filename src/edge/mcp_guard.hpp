#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// How a client wants the MCP server behind its tunnel guarded, as it came in HELLO.
struct mcp_wish {
    std::string mode;  ///< "bearer", "oauth"; empty: not at all
    std::string token_sha256;
    std::vector<std::string> users;
    bool any() const noexcept { return !mode.empty(); }
    /// False: this edge does not know the way, or the wish is not whole. Such a tunnel must not open.
    bool is_known() const noexcept;
};

/// Stands before an MCP server that has no authorization of its own (MCP specification, Authorization; RFC 6750, RFC
/// 9728): asks callers for the tunnel's token, or for an access token of this edge's authorization server, which the
/// service has to look at.
class mcp_guard {
public:
    /// `url` of the tunnel, `issuer` of the authorization server; neither ends in a slash.
    mcp_guard(const mcp_wish& wish, std::string url, std::string issuer);

    struct verdict {
        enum class kind : std::uint8_t {
            pass,    ///< on to the app
            answer,  ///< `response` is the visitor's answer
            ask,     ///< the service knows whether `token` is good
        };
        kind what = kind::answer;
        service::api_response response;
        std::string_view token;  ///< of the head that was checked
    };
    /// `tries` counts wrong tokens, for this visitor's address and this tunnel.
    verdict check(const wire::request_head& head, auth::token_bucket& tries,
                  std::chrono::steady_clock::time_point now) const;

    /// What a visitor is told whose token the service refused.
    service::api_response refuse(const wire::request_head& head, service::visitor_verdict why) const;

    /// Takes the visitor's credentials out of the fields that travel on.
    static void hide(std::vector<wire::field>& fields);

    /// The token's address (RFC 8707), and the name list that goes with the question.
    const std::string& url() const noexcept { return url_; }
    const std::shared_ptr<const std::vector<std::string>>& users() const noexcept { return users_; }

private:
    bool is_token(std::string_view text) const;
    service::api_response describe(const wire::request_head& head, std::string_view path) const;
    service::api_response challenge(const wire::request_head& head, int status, std::string_view code,
                                    std::string_view message, std::string_view hint, std::string_view error) const;

    bool oauth_;
    std::string url_;
    std::string issuer_;
    std::string digest_;  ///< bearer: SHA-256 of the token, base64url
    std::shared_ptr<const std::vector<std::string>> users_;
};

}  // namespace instatunnel::edge
