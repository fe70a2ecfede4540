#pragma once

#include <string>

#include "admission.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

inline constexpr std::chrono::hours reset_link_life{1};
inline constexpr std::chrono::hours verification_link_life{24};
inline constexpr std::chrono::hours first_password_link_life{24};

/// Setting in which an edge leaves the base of its links for commands on the data folder.
inline constexpr const char* api_url_setting = "api_url";

/// What a link is for.
enum class link_purpose : std::uint8_t { reset_password, first_password, verify_email };

/// A link that nobody has got yet.
struct account_link {
    link_purpose purpose = link_purpose::reset_password;
    std::string email;
    secret url;
};

/// Where a link leads: BASE/auth/reset?token=…
secret link_url(const std::string& base, link_purpose purpose, const secret& token);

/// Makes links and brings them to their people: by mail, or, on a dev edge without a mail server, to its log. On the
/// service's thread.
class account_links {
public:
    /// All arguments outlive the object.
    account_links(store::store& data, const service_options& options, const name_space& names, const tuning& t)
        : data_(data), options_(options), names_(names), tuning_(t) {}

    /// Whether links reach anybody.
    bool can_deliver() const noexcept { return options_.mail != nullptr || options_.dev; }

    /// A new link; earlier ones of its kind die. May be part of the caller's transaction: deliver it after that.
    outcome<account_link> make(link_purpose purpose, const store::user& user);
    /// The work of make() and nothing else, for an address that nobody has.
    outcome<void> pretend(link_purpose purpose);
    /// Nobody is told if the mail cannot be queued; the log is.
    void deliver(account_link link);

private:
    store::store& data_;
    const service_options& options_;
    const name_space& names_;
    const tuning& tuning_;
};

}  // namespace instatunnel::service
