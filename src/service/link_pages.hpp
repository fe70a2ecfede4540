#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// The small pages behind the links in mails.
namespace instatunnel::service {

/// A form for a new password; `problem` is shown above it unless it is empty. The token goes back in the form.
std::string reset_page(std::string_view domain, std::string_view token, std::string_view problem);
std::string password_changed_page(std::string_view domain, std::size_t revoked_keys);
/// A button: programs that look into mails follow links, and must not use them up.
std::string verify_page(std::string_view domain, std::string_view token);
std::string verified_page(std::string_view domain);
std::string trouble_page(std::string_view domain, std::string_view problem);

}  // namespace instatunnel::service
