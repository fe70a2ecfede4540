#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::mail {

/// Who a mail comes from: "InstaTunnel <no-reply@t.example.com>".
struct mailbox {
    std::string name;     ///< printable ASCII, may be empty
    std::string address;  ///< normalised
};

/// "NAME <ADDRESS>" or an address alone. Errors: usage.
outcome<mailbox> parse_mailbox(std::string_view text);

/// A mail to one person. The text is a secret because the link in it is one.
struct message {
    std::string to;       ///< address
    std::string subject;  ///< printable ASCII
    secret text;          ///< printable ASCII, lines end with \n
};

/// The mail as it is sent (RFC 5322, lines end with CRLF); `id` is the left part of its Message-ID. What could add a
/// field or a recipient is refused, not repaired. Errors: usage.
outcome<secret> compose(const message& m, const mailbox& from, wall_time date, std::string_view id);

}  // namespace instatunnel::mail
