#pragma once

#include "account_limits.hpp"
#include "account_links.hpp"
#include "admission.hpp"
#include "audit_log.hpp"
#include "call_limits.hpp"
#include "client_documents.hpp"
#include "cors.hpp"
#include "instatunnel/auth/password.hpp"
#include "instatunnel/oauth/server.hpp"
#include "instatunnel/service/service.hpp"
#include "key_addresses.hpp"
#include "key_watch.hpp"
#include "keyring.hpp"
#include "site/second_factor.hpp"
#include "site/web_sessions.hpp"
#include "usage_ledger.hpp"
#include "visitor_check.hpp"
#include "work_queue.hpp"

namespace instatunnel::service {

/// What the routes work with; all of it outlives the api.
struct api_parts {
    const service_options& options;
    const tuning& settings;
    const name_space& names;
    const cors_policy& cors;
    store::store& data;
    keyring& keys;
    key_addresses& addresses;
    key_watch& watch;
    call_limits& limits;
    account_limits& account_rates;
    account_links& links;
    admission& admissions;
    plan_book& plans;
    plan_gate& gate;
    name_guard& guard;
    usage_ledger& usage;
    audit_log& audit;
    oauth::server& oauth;
    client_documents& documents;
    const secret& pepper;
    second_factor& factors;
    web_sessions& sessions;
    auth::password_pool& passwords;
    work_queue& queue;
    visitor_check& visitors;
    live_tunnels* const& edge;  ///< null until attached
};

}  // namespace instatunnel::service
