#include "instatunnel/mail/message.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::mail {
namespace {

constexpr std::size_t max_subject = 200;
constexpr std::size_t max_name = 100;
constexpr std::size_t max_line = 998;  // RFC 5322 §2.1.1

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// In a quoted string these would end it or need an escape (RFC 5322 §3.2.4).
bool is_phrase(std::string_view text) {
    return is_printable(text) && text.find_first_of("\"\\<>") == std::string_view::npos;
}

// std::strftime would use the locale's names of days.
std::string rfc5322_date(wall_time date) {
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(date).time_since_epoch().count();
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                  days.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                  months.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    return text.data();
}

outcome<void> append_text(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if (!is_printable(line) || line.size() > max_line)
            return failure(errc::usage, "A mail's text must be printable ASCII in lines of bounded length");
        out.append(line).append("\r\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

}  // namespace

outcome<mailbox> parse_mailbox(std::string_view text) {
    const failure unusable(errc::usage, "That is no sender of mails",
                           "Write it like: --mail-from \"InstaTunnel <no-reply@t.example.com>\"");
    text = trim(text);
    mailbox box;
    auto address = text;
    if (const auto open = text.find('<'); open != std::string_view::npos) {
        if (!text.ends_with('>')) return unusable;
        address = text.substr(open + 1, text.size() - open - 2);
        auto name = trim(text.substr(0, open));
        if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
        box.name = name;
    }
    const auto normal = auth::normalise_email(address);
    if (!normal || !is_phrase(box.name) || box.name.size() > max_name) return unusable;
    box.address = *normal;
    return box;
}

outcome<secret> compose(const message& m, const mailbox& from, wall_time date, std::string_view id) {
    const auto to = auth::normalise_email(m.to);
    if (!to || !is_phrase(from.name) || !auth::normalise_email(from.address))
        return failure(errc::usage, "A mail's sender or recipient is no address");
    if (!is_printable(m.subject) || m.subject.size() > max_subject || !is_printable(id))
        return failure(errc::usage, "A mail's subject must be short printable ASCII");
    const auto host = from.address.substr(from.address.find('@'));
    std::string out;
    out.reserve(1024 + 2 * m.text.reveal().size());  // never moved while it grows: a copy would stay behind
    const auto field = [&](std::string_view name, std::string_view value) {
        out.append(name).append(": ").append(value).append("\r\n");
    };
    field("Date", rfc5322_date(date));
    field("From", from.name.empty() ? from.address : "\"" + from.name + "\" <" + from.address + ">");
    field("To", *to);
    field("Subject", m.subject);
    field("Message-ID", "<" + std::string(id) + host + ">");
    field("MIME-Version", "1.0");
    field("Content-Type", "text/plain; charset=us-ascii");
    field("Content-Transfer-Encoding", "7bit");
    field("Auto-Submitted", "auto-generated");  // RFC 3834: no out-of-office answers
    out.append("\r\n");
    if (auto added = append_text(out, m.text.reveal()); !added) return added.error();
    return secret(std::move(out));
}

}  // namespace instatunnel::mail
