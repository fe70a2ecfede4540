#include "admin_audit.hpp"

#include <charconv>

#include "csv_line.hpp"
#include "data_folder.hpp"
#include "duration.hpp"
#include "instatunnel/service/audit.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::uint64_t max_listed = 100000;

outcome<service::audit_query> to_query(const audit_choice& choice) {
    service::audit_query query;
    query.action = choice.action;
    query.account = choice.account;
    query.actor = choice.actor;
    if (choice.since.empty()) return query;
    query.age = parse_days(choice.since);
    if (!query.age) return failure(errc::usage, "--since is not a time", "Write it like --since 24h or --since 7d");
    return query;
}

outcome<std::uint64_t> to_limit(const std::string& text) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end && number > 0 && number <= max_listed) return number;
    return failure(errc::usage, "--limit must be 1 to " + std::to_string(max_listed),
                   "For all of it: instatunnel admin audit export --csv");
}

json_line to_object(const service::audit_row& row) {
    auto object = json_line::object();
    object.with("seq", row.seq).with("at", to_rfc3339(row.at)).with("actor_kind", row.actor_kind);
    object.with("actor", row.actor).with("account_id", row.account_id).with("action", row.action);
    object.with("target", row.target).with("address", row.address).with("result", row.result);
    return object.with_json("detail", row.detail).with("hash", row.hash);
}

std::string csv_header() {
    return csv_line(
        {"seq", "at", "actor_kind", "actor", "account_id", "action", "target", "address", "result", "detail", "hash"});
}

std::string to_csv(const service::audit_row& row) {
    return csv_line({std::to_string(row.seq), to_rfc3339(row.at), row.actor_kind, row.actor, row.account_id, row.action,
                     row.target, row.address, row.result, row.detail, row.hash});
}

std::string shown(std::string_view text) {
    return text.empty() ? "-" : printable(text);
}

std::string to_text(const service::audit_row& row) {
    const auto actor = row.actor.empty() ? row.actor_kind : row.actor_kind + ":" + row.actor;
    return to_rfc3339(row.at) + "  " + shown(row.action) + "  " + shown(row.result) + "  " + shown(actor) + "  " +
           shown(row.target) + "  " + shown(row.address) + (row.detail == "{}" ? "" : "  " + printable(row.detail));
}

}  // namespace

outcome<exit_code> run_admin_audit_list(const admin_audit_list_options& options, context& c) {
    const auto query = to_query(options.choice);
    if (!query) return query.error();
    const auto limit = to_limit(options.limit);
    if (!limit) return limit.error();
    const auto rows = service::list_audit(data_folder(options.choice.data, c), *query, *limit);
    if (!rows) return rows.error();
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& row : *rows)
            objects.push_back(to_object(row));
        c.term.result(json_line("admin.audit").with_objects("events", objects).text());
        return exit_code::done;
    }
    for (const auto& row : *rows)
        c.term.result(to_text(row));
    if (rows->empty()) c.term.notice("There are no such events");
    return exit_code::done;
}

outcome<exit_code> run_admin_audit_verify(const admin_audit_verify_options& options, context& c) {
    const auto verdict = service::verify_audit(data_folder(options.data, c), options.noted);
    if (!verdict) return verdict.error();
    const auto code = verdict->whole ? exit_code::done : exit_code::other;
    const auto end = std::to_string(verdict->last) + ":" + verdict->last_hash;
    if (c.term.json()) {
        json_line line("admin.audit.verified");
        line.with("whole", verdict->whole).with("records", verdict->records).with("first", verdict->first);
        line.with("last", verdict->last).with("noted", end);
        if (!verdict->whole) line.with("broken_at", verdict->broken_at).with("reason", verdict->reason);
        c.term.result(line.text());
        return code;
    }
    if (!verdict->whole) {
        c.term.result("❌ The audit log is not whole. " + verdict->reason);
        c.term.result("Whole up to record " + std::to_string(verdict->last));
        c.term.notice("Keep a copy of the data folder, and compare with a backup. See docs/audit.md");
        return code;
    }
    c.term.result("✅ The audit log is whole: " + std::to_string(verdict->records) + " records, " +
                  std::to_string(verdict->first) + " to " + std::to_string(verdict->last));
    c.term.result("Its end: " + end);
    c.term.notice("Note the end elsewhere and check against it later: instatunnel admin audit verify --noted " + end);
    return code;
}

outcome<exit_code> run_admin_audit_export(const admin_audit_export_options& options, context& c) {
    const auto query = to_query(options.choice);
    if (!query) return query.error();
    if (options.csv == c.term.json())
        return failure(errc::usage, "admin audit export needs one of --csv and --json",
                       "Type: instatunnel admin audit export --csv > audit.csv");
    if (options.csv) c.term.result(csv_header());
    auto done = service::export_audit(data_folder(options.choice.data, c), *query, [&](const service::audit_row& row) {
        c.term.result(options.csv ? to_csv(row) : to_object(row).text());
        return !c.term.output_closed();
    });
    if (!done) return done.error();
    return exit_code::done;
}

}  // namespace instatunnel::cli
