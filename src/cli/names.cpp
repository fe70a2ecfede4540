#include "names.hpp"

#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

outcome<exit_code> run_names_list(const names_list_options&, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    const auto names = api::auth_client(**http, in_use->server).names(in_use->key);
    if (!names) return names.error();
    std::vector<json_line> objects;
    for (const auto& n : *names) {
        auto object = json_line::object();
        object.with("name", n.name).with("url", n.url).with("kind", n.kind).with("blocked", n.blocked);
        object.with("tunnel_id", n.tunnel_id.empty() ? std::optional<std::string>() : n.tunnel_id);
        objects.push_back(object.with("last_used_at", n.last_used_at));
        if (!c.term.json())
            c.term.result(printable(n.name) + "  " + printable(n.kind) + "  last used " + printable(n.last_used_at) +
                          (n.blocked ? "  blocked" : ""));
    }
    if (c.term.json()) c.term.result(json_line("names").with_objects("names", objects).text());
    if (names->empty()) c.term.notice("The account holds no names");
    return exit_code::done;
}

outcome<exit_code> run_names_release(const names_release_options& o, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    if (auto released = api::auth_client(**http, in_use->server).release_name(in_use->key, o.name); !released)
        return released.error();
    c.term.result(c.term.json() ? json_line("name.released").with("name", o.name).text()
                                : "✅ The name '" + printable(o.name) + "' is free again");
    return exit_code::done;
}

}  // namespace instatunnel::cli
