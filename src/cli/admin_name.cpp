#include "admin_name.hpp"

#include "data_folder.hpp"
#include "instatunnel/service/admin_names.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

using service::blocked_row;
using service::name_row;

json_line& describe(json_line& line, const name_row& n) {
    line.with("name", n.name).with("email", n.email).with("kind", n.requested ? "requested" : "random");
    line.with("tunnel_id", n.tunnel_id.empty() ? std::optional<std::string>() : n.tunnel_id);
    return line.with("created_at", to_rfc3339(n.created_at)).with("last_used_at", to_rfc3339(n.last_used_at));
}

json_line& describe(json_line& line, const blocked_row& b) {
    line.with("pattern", b.pattern).with("reason", b.reason);
    return line.with("created_at", to_rfc3339(b.created_at));
}

template <class Row>
std::vector<json_line> objects_of(const std::vector<Row>& rows) {
    std::vector<json_line> objects;
    for (const auto& row : rows) {
        auto object = json_line::object();
        objects.push_back(describe(object, row));
    }
    return objects;
}

outcome<exit_code> list(const admin_name_options& o, context& c) {
    const auto names = service::list_names(data_folder(o.data, c), o.email);
    if (!names) return names.error();
    if (c.term.json()) {
        json_line line("admin.names");
        line.with_objects("names", objects_of(names->names)).with_objects("blocked", objects_of(names->blocked));
        c.term.result(line.text());
        return exit_code::done;
    }
    for (const auto& n : names->names)
        c.term.result(n.name + "  " + printable(n.email) + "  " + (n.requested ? "requested" : "random") +
                      "  last used " + to_rfc3339(n.last_used_at));
    for (const auto& b : names->blocked)
        c.term.result(b.pattern + "  blocked" + (b.reason.empty() ? "" : ": " + printable(b.reason)));
    if (names->names.empty() && names->blocked.empty()) c.term.notice("No name is held or blocked");
    return exit_code::done;
}

template <class Row>
outcome<exit_code> report(const char* event, const Row& row, const std::string& text, context& c) {
    json_line line(event);
    c.term.result(c.term.json() ? describe(line, row).text() : text);
    return exit_code::done;
}

outcome<exit_code> reserve(const admin_name_options& o, context& c) {
    const auto row = service::reserve_name(data_folder(o.data, c), o.name, o.email);
    if (!row) return row.error();
    return report("admin.name.reserved", *row, "✅ " + row->name + " is reserved for " + printable(row->email), c);
}

outcome<exit_code> release(const admin_name_options& o, context& c) {
    const auto row = service::release_name(data_folder(o.data, c), o.name);
    if (!row) return row.error();
    c.term.notice("A running edge ends its tunnel within 2 seconds");
    return report("admin.name.released", *row,
                  "✅ " + row->name + " is free again; it was held by " + printable(row->email), c);
}

outcome<exit_code> block(const admin_name_options& o, context& c) {
    const auto row = service::block_name(data_folder(o.data, c), o.name, o.reason);
    if (!row) return row.error();
    c.term.notice("A running edge ends tunnels of that name within 2 seconds");
    return report("admin.name.blocked", *row, "✅ " + row->pattern + " is blocked", c);
}

outcome<exit_code> unblock(const admin_name_options& o, context& c) {
    if (const auto done = service::unblock_name(data_folder(o.data, c), o.name); !done) return done.error();
    c.term.result(c.term.json() ? json_line("admin.name.unblocked").with("pattern", o.name).text()
                                : "✅ " + printable(o.name) + " is not blocked any more");
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_admin_name(const admin_name_options& o, context& c) {
    switch (o.action) {
        case admin_name_action::ls:
            return list(o, c);
        case admin_name_action::reserve:
            return reserve(o, c);
        case admin_name_action::release:
            return release(o, c);
        case admin_name_action::block:
            return block(o, c);
        case admin_name_action::unblock:
            break;
    }
    return unblock(o, c);
}

}  // namespace instatunnel::cli
