#include "instatunnel/mail/message.hpp"

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::mail;

namespace {

const mailbox sender{"InstaTunnel", "no-reply@t.example.com"};

mail::message written(const std::string& to = "ann@example.com", const std::string& subject = "Hello",
                      const std::string& text = "First\nSecond\n") {
    mail::message m;
    m.to = to;
    m.subject = subject;
    m.text = secret(text);
    return m;
}

}  // namespace

TEST_CASE("a mail is written as RFC 5322 wants it") {
    const auto at = parse_rfc3339("2026-03-05T07:08:09Z").value();
    const auto mail = compose(written(), sender, at, "abc");
    REQUIRE(mail);
    CHECK(mail->reveal() ==
          "Date: Thu, 05 Mar 2026 07:08:09 +0000\r\n"
          "From: \"InstaTunnel\" <no-reply@t.example.com>\r\n"
          "To: ann@example.com\r\n"
          "Subject: Hello\r\n"
          "Message-ID: <abc@t.example.com>\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=us-ascii\r\n"
          "Content-Transfer-Encoding: 7bit\r\n"
          "Auto-Submitted: auto-generated\r\n"
          "\r\n"
          "First\r\nSecond\r\n");
}

TEST_CASE("nothing that is given to a mail adds a field or a recipient") {
    const auto refused = [](const mail::message& m, const mailbox& from = sender) {
        return !compose(m, from, wall_now(), "abc");
    };
    for (const char* to : {"ann@example.com\r\nBcc: eve@example.com", "ann@example.com\n", "ann@example.com,eve@x.y",
                           "ann@example.com> <eve@x.y", "ann@example.com eve@x.y", "\"a b\"@x.y", ""}) {
        INFO(to);
        const auto normal = std::string(to) == "ann@example.com\n";  // blanks at the ends are taken off
        CHECK(refused(written(to)) == !normal);
        if (normal) {
            const auto text = std::string(compose(written(to), sender, wall_now(), "abc")->reveal());
            CHECK(text.find("To: ann@example.com\r\nSubject") != std::string::npos);
        }
    }
    CHECK(refused(written("ann@example.com", "Hello\r\nBcc: eve@example.com")));
    CHECK(refused(written("ann@example.com", "Hello\n")));
    CHECK(refused(written("ann@example.com", std::string(201, 'x'))));
    CHECK(refused(written("ann@example.com", "Hello", "one\rtwo\n")));
    CHECK(refused(written("ann@example.com", "Hello", std::string(999, 'x'))));
    CHECK(refused(written("ann@example.com", "Hello", "caf\xc3\xa9")));
    CHECK(refused(written(), {"a\r\nBcc: eve@example.com", "no-reply@t.example.com"}));
    CHECK(refused(written(), {"", "no-reply@t.example.com\r\nBcc: eve@example.com,"}));
}

TEST_CASE("a sender is a name with an address, or an address") {
    CHECK(parse_mailbox(" No-Reply@T.example.com ")->address == "no-reply@t.example.com");
    const auto full = parse_mailbox("The \"Best\" Edge <a@b.c>");
    CHECK_FALSE(full);
    const auto quoted = parse_mailbox("\"The Edge, Ltd.\" <a@b.c>");
    REQUIRE(quoted);
    CHECK(quoted->name == "The Edge, Ltd.");
    CHECK(quoted->address == "a@b.c");
    for (const char* bad : {"", "nobody", "<a@b.c", "a\nb <a@b.c>", "x <a@b.c> y", "\xc3\xa9 <a@b.c>"})
        CHECK_FALSE(parse_mailbox(bad));
}
