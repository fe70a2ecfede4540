#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

void add_access_flags(CLI::App& app, open_options& o) {
    app.add_option_function<std::string>(
           "--password", [&o](const std::string& value) { o.password = secret(value); },
           "Visitors must know this password: browsers get a page, programs send it as X-Tunnel-Password or Basic; "
           "else "
           "INSTATUNNEL_TUNNEL_PASSWORD")
        ->type_name("PW");
    app.add_option_function<std::string>(
           "--auth", [&o](const std::string& value) { o.auth = secret(value); },
           "Visitors must send this user name and password as HTTP Basic; else INSTATUNNEL_TUNNEL_AUTH")
        ->type_name("USER:PASS");
}

void add_mcp_guard_flags(CLI::App& app, open_options& o) {
    text(app, "--mcp-auth", "MODE", o.mcp_auth,
         "With --mcp, who may call it: none (the program's own authorization passes through; the default), bearer (a "
         "token that is kept for the tunnel's name and printed) or oauth (people whom you allow, through the server's "
         "sign-in)");
    texts(app, "--mcp-allow", "TOOL", o.mcp_allow,
          "With --mcp: only this tool is shown and can be called; * stands for any text, ? for one character; several "
          "with commas, or by giving it again");
    texts(app, "--mcp-deny", "TOOL", o.mcp_deny,
          "With --mcp: this tool is neither shown nor called; stronger than --mcp-allow; several with commas, or by "
          "giving it again");
    app.add_flag("--mcp-rotate-token", o.mcp_rotate_token,
                 "With --mcp-auth bearer: a new token; the one before is refused from then on");
    texts(app, "--mcp-allow-user", "EMAIL", o.mcp_allowed_users,
          "With --mcp-auth oauth: this account may call it beside your own; * for every account of the server; can be "
          "given several times");
}

void add_mcp_flags(CLI::App& app, open_options& o) {
    app.add_flag("--mcp", o.mcp,
                 "The local program is an MCP server: nothing of it waits or is cut off by a time limit");
    add_mcp_guard_flags(app, o);
}

void add_forwarding_flags(CLI::App& app, open_options& o) {
    text(app, "--port", "PORT", o.port, "The same as a port as TARGET");
    app.add_flag("--react,--next", o.react, "Port 3000");
    app.add_flag("--laravel", o.laravel, "Port 8000");
    text(app, "--host-header", "MODE", o.host_header,
         "What the local program gets as Host: preserve (the public name, the default), rewrite (its own address) or a "
         "value");
    text(
        app, "--upstream", "NAME", o.upstream,
        "What the local program speaks: auto (HTTP/2 for gRPC calls, HTTP/1.1 for the rest; the default), http1 or h2c "
        "(HTTP/2 for everything; for https:// targets over TLS)");
    text(app, "--transport", "NAME", o.transport,
         "auto (the default): v2, and v1 with a server that has nothing better; or v1, or v2");
    add_access_flags(app, o);
    add_mcp_flags(app, o);
    add_directory_flags(app, o.directory);
    app.add_flag("--qr", o.extras.qr, "Print the address as a QR code");
    app.add_flag("--copy", o.extras.copy, "Put the address into the clipboard");
    app.add_flag("--share", o.extras.share,
                 "Print texts for passing the address on; without TARGET only these, and no tunnel is opened");
    app.add_flag("--quiet", o.quiet, "No line for each request");
    // Published clients had it and never sent it; scripts still give it.
    text(app, "-r,--region", "REGION", o.region, "Accepted, without effect").group("");
}

void add_tunnel(CLI::App& root, invocation& out) {
    auto o = std::make_shared<open_options>();
    auto& app =
        command(root, "tunnel", "Open a tunnel to a local program or directory (the word `tunnel` may be left out)",
                {"instatunnel 3000", "instatunnel 3000 --subdomain demo",
                 "instatunnel https://localhost:8443 --host-header rewrite", "instatunnel unix:/run/app.sock --json",
                 "instatunnel ./dist --spa", "instatunnel 50051 --upstream h2c"});
    app.alias("http");
    text(app, "TARGET", "", o->target,
         "PORT, HOST:PORT, http://HOST:PORT, https://HOST:PORT, unix:/path or a directory; without it the first of "
         "3000, "
         "8000, 3001, 8080, 4000 and 5000 that answers");
    text(app, "-s,--subdomain", "NAME", o->subdomain, "The name in front of the domain; without it a random one");
    add_forwarding_flags(app, *o);
    deliver(app, std::move(o), out);
}

void add_mcp(CLI::App& root, invocation& out) {
    auto o = std::make_shared<open_options>();
    o->mcp = o->stdio.wanted = true;
    auto& app =
        command(root, "mcp", "Run an MCP server that speaks over its standard input and output behind a public URL",
                {"instatunnel mcp -- npx -y @modelcontextprotocol/server-everything",
                 "instatunnel mcp --subdomain notes --mcp-auth bearer -- uvx mcp-server-sqlite",
                 "instatunnel mcp --mcp-allow 'read_*' -- ./server --folder notes"});
    app.add_option("COMMAND", o->stdio.command, "What starts the server, behind --, so that its flags are its own");
    text(app, "-s,--subdomain", "NAME", o->subdomain, "The name in front of the domain; without it a random one");
    app.add_flag("--shared", o->stdio.shared, "One process for all sessions; without it each session has its own");
    text(app, "--max-sessions", "N", o->stdio.max_sessions, "How many sessions there may be at once; 64 without it");
    text(app, "--session-idle", "TIME", o->stdio.session_idle,
         "A session that nobody has used for this long ends; 30m without it");
    add_mcp_guard_flags(app, *o);
    add_access_flags(app, *o);
    app.add_flag("--quiet", o->quiet, "No line for each request");
    deliver(app, std::move(o), out);

    auto& serve =
        command(app, "serve",
                "Be an MCP server on standard input and output, with tools that open, list and close tunnels, list, "
                "read, repeat and wait for requests, and say what is wrong",
                {"claude mcp add instatunnel -- instatunnel mcp serve"});
    deliver(serve, std::make_shared<mcp_serve_options>(), out);
}

void add_connect(CLI::App& root, invocation& out) {
    auto o = std::make_shared<open_options>();
    o->connect = true;
    auto& app = command(root, "connect", "Attach to a tunnel that was created before, by name or host",
                        {"instatunnel connect 3000 -s demo", "instatunnel connect 3000 -d demo.t.example.com"});
    text(app, "TARGET", "", o->target, "As for a tunnel; usually a port").required();
    text(app, "-s,--subdomain", "NAME", o->subdomain, "Name of the tunnel; this or --domain");
    text(app, "-d,--domain", "HOST", o->domain, "Host of the tunnel; this or --subdomain");
    add_forwarding_flags(app, *o);
    deliver(app, std::move(o), out);
}

void add_raw(CLI::App& root, invocation& out, wire::itp::stream_kind kind) {
    const bool is_tcp = kind == wire::itp::stream_kind::tcp;
    auto o = std::make_shared<raw_tunnel_options>();
    o->kind = kind;
    auto& app =
        is_tcp ? command(root, "tcp", "Open a tunnel for any TCP protocol, on a public port",
                         {"instatunnel tcp 5432", "instatunnel tcp 5432 --subdomain db",
                          "instatunnel tcp localhost:22 --remote-port 20022"})
               : command(root, "tls",
                         "Open a tunnel for TLS that the local program itself speaks: the server passes it on unread",
                         {"instatunnel tls 8443 --subdomain shop", "instatunnel tls 8443 --proxy-protocol v2"});
    text(app, "TARGET", "", o->target, "PORT, HOST:PORT or unix:/path").required();
    text(app, "-s,--subdomain", "NAME", o->subdomain,
         is_tcp ? "A name for the tunnel: it keeps its public port; without it a random one"
                : "The name in front of the domain, by which visitors' TLS asks (SNI); without it a random one");
    if (is_tcp)
        text(app, "--remote-port", "PORT", o->remote_port,
             "The public port, one of the server's range; without it the one that the tunnel had, or a free one");
    text(app, "--proxy-protocol", "VERSION", o->proxy_protocol,
         "v1 or v2: tell the local program who the visitor is, by a PROXY header in front of the connection");
    app.add_flag("--quiet", o->quiet, "No line for each connection");
    deliver(app, std::move(o), out);
}

void add_list_and_kill(CLI::App& root, invocation& out) {
    auto& ls = command(root, "ls", "List the tunnels of the account, with what was counted (also: --list)",
                       {"instatunnel ls"});
    deliver(ls, std::make_shared<list_options>(), out);
    auto table = std::make_shared<list_options>();
    table->as_table = true;
    deliver(command(root, "status", "The same as a table, one line a tunnel", {"instatunnel status"}), std::move(table),
            out);

    auto o = std::make_shared<kill_options>();
    auto& kill = command(root, "kill", "Stop a tunnel of the account, wherever it runs (also: --kill NAME)",
                         {"instatunnel kill demo"});
    text(kill, "NAME", "", o->name, "Name, host or id of the tunnel").required();
    deliver(kill, std::move(o), out);
}

void add_logs_and_stats(CLI::App& root, invocation& out) {
    auto o = std::make_shared<logs_options>();
    auto& logs = command(
        root, "logs", "Show what visitors asked for, as the server saw it (also: --logs)",
        {"instatunnel logs", "instatunnel logs demo --follow", "instatunnel logs --status 5xx --since 1h --json"});
    text(logs, "NAME", "", o->name, "Name, host or id of a tunnel; without it all of the account");
    logs.add_flag("-f,--follow", o->follow, "Go on with what comes, until Ctrl+C");
    text(logs, "--since", "TIME", o->since, "How long ago (10m, 2h, 1d) or a time (2026-11-22T15:26:19Z)");
    text(logs, "--status", "STATUS", o->status, "Only these: 404, 5xx, 400-499, or several with commas");
    text(logs, "--path", "PATH", o->path, "Only paths that begin so; with * a pattern of the whole path");
    text(logs, "-n,--lines", "N", o->lines, "The last N requests; default 100, with --since 1000, the most there are");
    deliver(logs, std::move(o), out);

    auto s = std::make_shared<stats_options>();
    auto& stats = command(root, "stats", "Show what was counted and measured (also: --stats)",
                          {"instatunnel stats", "instatunnel stats demo"});
    text(stats, "NAME", "", s->name, "Name, host or id of a tunnel; without it the account and all that are connected");
    deliver(stats, std::move(s), out);
}

void add_names(CLI::App& root, invocation& out) {
    auto& names = group(root, "names", "The names that the account holds");
    auto& ls = command(names, "ls", "List them", {"instatunnel names ls"});
    deliver(ls, std::make_shared<names_list_options>(), out);

    auto o = std::make_shared<names_release_options>();
    auto& release = command(names, "release", "Give one back; its tunnel ends", {"instatunnel names release demo"});
    text(release, "NAME", "", o->name, "Name or host").required();
    deliver(release, std::move(o), out);
}

}  // namespace

void add_tunnel_commands(CLI::App& root, invocation& out) {
    add_tunnel(root, out);
    add_connect(root, out);
    add_mcp(root, out);
    add_raw(root, out, wire::itp::stream_kind::tcp);
    add_raw(root, out, wire::itp::stream_kind::tls);
    add_list_and_kill(root, out);
    add_logs_and_stats(root, out);
    add_names(root, out);
}

}  // namespace instatunnel::cli
