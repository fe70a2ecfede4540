#pragma once

#include <memory>

#include "instatunnel/base/error.hpp"
#include "instatunnel/mail/message.hpp"
#include "instatunnel/mail/smtp_server.hpp"

namespace instatunnel::mail {

/// Sends mails in the background. What waits is lost when the process ends: links can be asked for again.
class mailer {
public:
    virtual ~mailer() = default;
    /// From any thread, never waits for the network. Errors: busy (1,000 mails wait).
    virtual outcome<void> post(message m) = 0;
    /// Ends at once; what waits is dropped and counted in the log. Idempotent.
    virtual void stop() = 0;
};

/// One thread with one connection at a time. A mail that the server does not take now is tried again after 5 s, 30 s,
/// 2, 10 and 30 minutes; one that it refuses for good (5xx) is dropped. The server's certificate is verified.
std::unique_ptr<mailer> make_smtp_mailer(smtp_server server, mailbox from);

}  // namespace instatunnel::mail
