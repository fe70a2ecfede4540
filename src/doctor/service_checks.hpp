#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"

/// What the service behind the connection says.
namespace instatunnel::doctor {

struct api_finding {
    check api;
    check clock;
    bool speaks_v1 = false;
    bool speaks_v2 = false;
    bool is_older = false;  ///< a server of the published clients: it does not know our API
    std::string support;
};
/// Asks for /v1/meta; a server that does not know it for /health.
api_finding ask_api(const settings& s, api::http_client& http, std::chrono::milliseconds limit);

struct account_finding {
    check verdict;
    std::optional<api::account_info> account;
};
account_finding ask_account(const settings& s, api::http_client& http, wall_time now);

/// The same of a server of the published clients, which says no more than whether it takes the key.
check ask_older_account(const settings& s, api::http_client& http);

/// What key and plan allow of what was asked for.
check judge_plan(const api::account_info& account, bool mcp, const std::string& support);

/// No call through it takes longer than what is left until `deadline`. `inner` outlives it.
class hurried_client final : public api::http_client {
public:
    hurried_client(api::http_client& inner, std::chrono::steady_clock::time_point deadline)
        : inner_(inner), deadline_(deadline) {}
    outcome<api::http_reply> send(std::string_view method, const std::string& url,
                                  const std::vector<std::pair<std::string, std::string>>& fields, std::string_view body,
                                  std::chrono::milliseconds limit) override;

private:
    api::http_client& inner_;
    std::chrono::steady_clock::time_point deadline_;
};

}  // namespace instatunnel::doctor
