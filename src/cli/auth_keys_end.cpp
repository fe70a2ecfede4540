#include "auth_keys.hpp"
#include "duration.hpp"
#include "json_line.hpp"
#include "key_session.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::chrono::days longest_grace{30};

// Whoever revokes the key in use cuts the branch they sit on: that takes a word.
outcome<void> confirm(const keys_revoke_options& options, key_session& session, context& c) {
    if (options.yes) return {};
    const auto own = session.own_id();
    if (!own) return own.error();
    if (*own != options.id) return {};
    if (!c.term.can_prompt())
        return failure(errc::not_a_terminal, "This is the key in use, and there is no terminal to ask on",
                       "If you mean it: instatunnel auth keys revoke " + printable(options.id) + " --yes");
    auto answer = c.ask.ask("This is the key in use. Revoke it? [y/N] ");
    if (!answer) return answer.error();
    if (*answer == "y" || *answer == "Y" || *answer == "yes") return {};
    return failure(errc::cancelled, "Nothing was revoked");
}

outcome<std::chrono::seconds> parse_grace(const std::string& text) {
    if (text.empty()) return std::chrono::seconds(0);
    const auto grace = parse_duration(text, longest_grace);
    if (grace) return std::chrono::ceil<std::chrono::seconds>(*grace);
    return failure(errc::usage, "--grace is no time of at most 30 days", "Write it like --grace 1h");
}

void print_rotated(const api::new_key& made, bool stored, const key_session& session, context& c) {
    if (c.term.json()) {
        json_line line("auth.key_rotated");
        line.with("id", made.info.id).with("name", made.info.name);
        line.with("key", stored ? std::string_view(made.info.masked) : made.key.reveal()).with("stored", stored);
        line.with("replaces", made.replaces).with("old_expires_at", made.old_expires_at);
        c.term.result(line.text());
        return;
    }
    if (stored)
        c.term.result("✅ Key rotated: " + made.info.masked + " is stored in profile " + session.in_use().profile.name);
    else
        // Alone on stdout, so that a script can catch it.
        c.term.result(made.key.reveal());
    c.term.notice(printable(made.info.id) + " takes the place of " + printable(made.replaces) + ", which works until " +
                  printable(made.old_expires_at));
    if (!stored) c.term.notice("The new key is shown this once, and is stored nowhere: keep it now");
    if (stored && !c.env.api_key.empty()) c.term.notice("INSTATUNNEL_API_KEY is set and wins over the stored key");
}

}  // namespace

outcome<exit_code> run_keys_revoke(const keys_revoke_options& options, context& c) {
    auto opened = key_session::open(c);
    if (!opened) return opened.error();
    auto& session = **opened;
    if (auto meant = confirm(options, session, c); !meant) return meant.error();
    const auto stored = session.is_stored(options.id);
    if (!stored) return stored.error();
    if (auto revoked = session.keys().revoke(options.id); !revoked) return session.explain(revoked.error());
    if (*stored)
        if (auto forgotten = session.forget(c); !forgotten) return forgotten.error();
    if (c.term.json()) {
        c.term.result(json_line("auth.key_revoked").with("id", options.id).with("removed", *stored).text());
        return exit_code::done;
    }
    c.term.result("✅ Key revoked: " + printable(options.id));
    if (*stored) c.term.notice("It was removed from profile " + session.in_use().profile.name + " as well");
    return exit_code::done;
}

outcome<exit_code> run_keys_rotate(const keys_rotate_options& options, context& c) {
    const auto grace = parse_grace(options.grace);
    if (!grace) return grace.error();
    auto opened = key_session::open(c);
    if (!opened) return opened.error();
    auto& session = **opened;
    auto id = options.id.empty() ? session.own_id() : outcome<std::string>(options.id);
    if (!id) return id.error();
    const auto stored = session.is_stored(*id);
    if (!stored) return stored.error();

    const auto made = session.keys().rotate(*id, *grace);
    if (!made) return session.explain(made.error());
    const bool keep = *stored || options.store;
    if (keep) {
        if (auto saved = session.store(*made, c); !saved) {
            // The old key may be dead already: the new one must not be lost as well.
            print_rotated(*made, /*stored=*/false, session, c);
            return saved.error();
        }
    }
    print_rotated(*made, keep, session, c);
    return exit_code::done;
}

}  // namespace instatunnel::cli
