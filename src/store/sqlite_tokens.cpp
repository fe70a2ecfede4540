#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

std::string_view name_of(token_kind kind) {
    return kind == token_kind::password_reset ? "password_reset" : "email_verification";
}

std::optional<std::string> null_if_empty(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return text;
}

}  // namespace

outcome<void> sqlite_store::put_token(const one_time_token& token) {
    return db_->in_transaction([&]() -> outcome<void> {
        query others(*db_, "DELETE FROM one_time_tokens WHERE user_id IS ? AND kind = ?");
        if (auto done = others.bind_or_null(null_if_empty(token.user_id)).bind(name_of(token.kind)).run(); !done)
            return done;
        query add(*db_,
                  "INSERT INTO one_time_tokens(digest, kind, user_id, proves_email, created_at, expires_at) "
                  "VALUES (?, ?, ?, ?, ?, ?)");
        add.bind_bytes(token.digest).bind(name_of(token.kind)).bind_or_null(null_if_empty(token.user_id));
        return add.bind(std::int64_t{token.proves_email}).bind(token.created_at).bind(token.expires_at).run();
    });
}

outcome<std::optional<one_time_token>> sqlite_store::find_token(token_kind kind, std::string_view digest) {
    query find(*db_,
               "SELECT user_id, proves_email, created_at, expires_at FROM one_time_tokens "
               "WHERE digest = ? AND kind = ? AND user_id IS NOT NULL");
    std::optional<one_time_token> found;
    if (find.bind_bytes(digest).bind(name_of(kind)).next())
        found =
            one_time_token{std::string(digest), kind, find.text(0), find.number(1) != 0, find.time(2), find.time(3)};
    if (find.failed()) return find.error();
    return found;
}

outcome<void> sqlite_store::take_token(token_kind kind, std::string_view digest, wall_time now) {
    query take(*db_,
               "DELETE FROM one_time_tokens WHERE digest = ? AND kind = ? AND user_id IS NOT NULL AND expires_at > ?");
    if (auto done = take.bind_bytes(digest).bind(name_of(kind)).bind(now).run(); !done) return done;
    if (take.changes() == 0) return failure(errc::not_found, "This link does not work any more");
    return {};
}

}  // namespace instatunnel::store
