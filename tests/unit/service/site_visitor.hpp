#pragma once

#include <map>
#include <string>

#include "service_fixture.hpp"

namespace instatunnel::service::testing {

/// A browser without JavaScript: keeps cookies, sends forms with their hidden fields.
class site_visitor {
public:
    explicit site_visitor(service_fixture& f) : f_(f) {}

    reply get(const std::string& path);
    /// Posts the fields with the hidden ones of the page that was loaded last; more may override them.
    reply post(const std::string& path, const std::map<std::string, std::string>& fields);
    /// As it is, without anything of a page.
    reply post_raw(const std::string& path, const std::string& body);

    /// Through the form. Requires that it works.
    void sign_in(const std::string& email, const std::string& password);
    /// Consents to the request and returns the code.
    std::string allow(const std::string& query);
    void allow_device(const std::string& user_code);

    std::map<std::string, std::string> cookies;
    std::vector<std::pair<std::string, std::string>> extra_fields;  ///< sent with every request

private:
    reply send(const std::string& method, const std::string& path, const std::string& body);
    void learn(const reply& r);

    service_fixture& f_;
    std::map<std::string, std::string> hidden_;  // of the page loaded last
};

/// The secret for authenticator apps that the set-up page shows for typing.
secret shown_secret(const std::string& page);
/// The value of `name` in the query of an address.
std::string in_query(const std::string& address, const std::string& name);

}  // namespace instatunnel::service::testing
