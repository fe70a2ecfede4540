#include "cli/parser.hpp"

#include <catch2/catch.hpp>
#include <iterator>
#include <sstream>

using namespace instatunnel;
using namespace instatunnel::cli;

namespace {

std::vector<std::string> split(const std::string& line) {
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
}

invocation parsed(const std::string& line) {
    const auto words = split(line);
    auto result = parse(words);
    INFO(line << ": " << (result ? "" : result.error().detail));
    REQUIRE(result.has_value());
    return std::move(*result);
}

template <class Options>
Options options_of(const std::string& line) {
    auto what = parsed(line);
    INFO(line);
    REQUIRE(std::holds_alternative<Options>(what.command));
    return std::get<Options>(std::move(what.command));
}

failure refused(const std::vector<std::string>& words) {
    auto result = parse(words);
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

}  // namespace

TEST_CASE("a target at the root, behind tunnel and behind http is the same command") {
    for (const char* line :
         {"3000 -s demo --quiet", "tunnel 3000 -s demo --quiet", "http 3000 --subdomain demo --quiet",
          "-s demo 3000 --quiet", "--quiet --subdomain=demo 3000"}) {
        const auto o = options_of<open_options>(line);
        CHECK(o.target == "3000");
        CHECK(o.subdomain == "demo");
        CHECK(o.quiet);
        CHECK_FALSE(o.connect);
    }
}

TEST_CASE("no word at all opens a tunnel to a port that is found") {
    CHECK(options_of<open_options>("").target.empty());
    CHECK(options_of<open_options>("--api-key it_1234567890abcdef").target.empty());
    CHECK(options_of<open_options>("--react").react);
    CHECK(options_of<open_options>("--next").react);
    CHECK(options_of<open_options>("--laravel").laravel);
    CHECK(options_of<open_options>("--port 8080").port == "8080");
}

TEST_CASE("every form of a target reaches the tunnel command unchanged") {
    for (const char* target :
         {"3000", "localhost:3000", "[::1]:3000", "http://127.0.0.1:80", "https://app.test", "unix:/run/a.sock"})
        CHECK(options_of<open_options>(target).target == target);
}

TEST_CASE("flags of a tunnel have their values and defaults") {
    const auto o = options_of<open_options>("3000 --host-header rewrite --transport v2 -r eu");
    CHECK(o.host_header == "rewrite");
    CHECK(o.transport == "v2");
    CHECK(o.region == "eu");
    const auto plain = options_of<open_options>("3000");
    CHECK(plain.host_header == "preserve");
    CHECK(plain.transport == "auto");
}

TEST_CASE("connect takes a port and a name or a host") {
    const auto by_name = options_of<open_options>("connect 3000 -s demo");
    CHECK(by_name.connect);
    CHECK(by_name.target == "3000");
    CHECK(by_name.subdomain == "demo");
    CHECK(options_of<open_options>("connect 3000 -d demo.example.com").domain == "demo.example.com");
}

TEST_CASE("global flags work before and behind a command") {
    for (const char* line : {"--server https://a.b --profile work auth status --json",
                             "auth --json status --server https://a.b --profile work",
                             "auth status --profile=work --json --server=https://a.b"}) {
        INFO(line);
        const auto what = parsed(line);
        CHECK(std::holds_alternative<auth_status_options>(what.command));
        CHECK(what.globals.server == "https://a.b");
        CHECK(what.globals.profile == "work");
        CHECK(what.globals.json);
    }
    const auto what =
        parsed("3000 --api-key it_1234567890abcdef --config /c --cacert /p --log-level debug --log-file /l --no-color");
    CHECK(what.globals.api_key.reveal() == "it_1234567890abcdef");
    CHECK(what.globals.config == "/c");
    CHECK(what.globals.cacert == "/p");
    CHECK(what.globals.log_level == "debug");
    CHECK(what.globals.log_file == "/l");
    CHECK(what.globals.no_color);
}

TEST_CASE("the modes of published clients are commands") {
    (void)options_of<list_options>("--list");
    (void)options_of<list_options>("status");
    (void)options_of<list_options>("ls");
    CHECK(options_of<kill_options>("--kill demo").name == "demo");
    CHECK(options_of<kill_options>("--api-key it_1234567890abcdef --kill=demo").name == "demo");
    CHECK(options_of<kill_options>("kill ls").name == "ls");
}

TEST_CASE("commands of accounts and keys are read") {
    CHECK(options_of<login_options>("login -e a@b.c").email == "a@b.c");
    CHECK(options_of<login_options>("auth login --email a@b.c --password-stdin").password_stdin);
    (void)options_of<logout_options>("logout");
    (void)options_of<logout_options>("auth logout");
    (void)options_of<whoami_options>("whoami");
    CHECK(options_of<set_key_options>("auth set-key it_1234567890abcdef").key.reveal() == "it_1234567890abcdef");
    CHECK(options_of<set_key_options>("auth set-key").key.empty());
    CHECK(options_of<show_key_options>("auth show-key --reveal").reveal);
    CHECK(options_of<show_key_options>("auth show-key --copy").copy);
    CHECK(options_of<auth_test_options>("auth test --scope tunnels:write").scope == "tunnels:write");
}

TEST_CASE("commands of the configuration and the service are read") {
    CHECK(options_of<config_options>("config path").action == config_action::path);
    const auto set = options_of<config_options>("config set server https://a.b");
    CHECK(set.action == config_action::set);
    CHECK(set.name == "server");
    CHECK(set.value == "https://a.b");
    CHECK(options_of<config_options>("config unset server").action == config_action::unset);
    CHECK(options_of<demo_options>("demo").listen == "127.0.0.1:8443");
    const auto demo = options_of<demo_options>("demo 3000 --once --listen 127.0.0.1:0");
    CHECK(demo.target == "3000");
    CHECK(demo.once);
    CHECK(demo.listen == "127.0.0.1:0");
    const auto serve = options_of<serve_command_options>(
        "serve --domain t.example.com --listen :443 --tls-cert c --tls-key k --data d --http-listen :80 --drain 5s");
    CHECK(serve.domain == "t.example.com");
    CHECK(serve.listen == ":443");
    CHECK(serve.tls_cert == "c");
    CHECK(serve.tls_key == "k");
    CHECK(serve.data == "d");
    CHECK(serve.http_listen == ":80");
    CHECK(serve.drain == "5s");
    CHECK(options_of<serve_command_options>("serve --dev").dev);
    const auto add =
        options_of<admin_user_add_options>("admin user add a@b.c --name N --plan pro --data d --password-stdin");
    CHECK(add.email == "a@b.c");
    CHECK(add.name == "N");
    CHECK(add.plan == "pro");
    CHECK(add.data == "d");
    CHECK(add.password_stdin);
    CHECK(options_of<admin_user_list_options>("admin user ls --data d").data == "d");
    const auto list = options_of<admin_audit_list_options>(
        "admin audit ls --since 24h --action login --account a@b.c --actor key_1 --limit 5 --data d");
    CHECK(list.choice.since == "24h");
    CHECK(list.choice.action == "login");
    CHECK(list.choice.account == "a@b.c");
    CHECK(list.choice.actor == "key_1");
    CHECK(list.choice.data == "d");
    CHECK(list.limit == "5");
    CHECK(options_of<admin_audit_verify_options>("admin audit verify --noted 3:ab").noted == "3:ab");
    CHECK(options_of<admin_audit_export_options>("admin audit export --csv --since 2w").csv);
    CHECK(options_of<serve_command_options>("serve --dev --audit-keep 30d").audit_keep == "30d");
}

TEST_CASE("help and version are reached by word and by flag") {
    CHECK(options_of<help_options>("help").topic.empty());
    CHECK(options_of<help_options>("--help").topic.empty());
    CHECK(options_of<help_options>("-h").topic.empty());
    CHECK(options_of<help_options>("help auth login").topic == std::vector<std::string>{"auth", "login"});
    CHECK(options_of<help_options>("auth login --help").topic == std::vector<std::string>{"auth", "login"});
    CHECK(options_of<help_options>("connect -h").topic == std::vector<std::string>{"connect"});
    CHECK(options_of<help_options>("3000 --help").topic == std::vector<std::string>{"tunnel"});
    CHECK(options_of<help_options>("help --markdown").markdown);
    (void)options_of<version_options>("version");
    (void)options_of<version_options>("-v");
    (void)options_of<version_options>("--version --json");
}

TEST_CASE("an unknown word names the nearest command") {
    struct row {
        const char* word;
        const char* next;
    };
    const row rows[] = {{"lgoin", "Did you mean: instatunnel login"},
                        {"conect", "Did you mean: instatunnel connect"},
                        {"stauts", "Did you mean: instatunnel status"},
                        {"conf", "Did you mean: instatunnel config"},
                        {"zzzzzz", "See: instatunnel help, or name a port: instatunnel 3000"}};
    for (const auto& [word, next] : rows) {
        const auto f = refused({word});
        CHECK(f.code == errc::usage);
        CHECK(f.detail == "\"" + std::string(word) + "\" is not a command and not a target");
        CHECK(f.next == next);
    }
    CHECK(refused({"auth", "statsu"}).next == "Did you mean: instatunnel auth status");
    CHECK(refused({"auth", "statsu"}).detail == "\"statsu\" is not a command of auth");
}

TEST_CASE("wrong flags, missing and surplus words are wrong usage with the next step") {
    struct row {
        std::vector<std::string> words;
        const char* detail;
        const char* next;
    };
    const row rows[] = {
        {{"3000", "--subdomian", "x"}, "There is no flag --subdomian of tunnel", "Did you mean: --subdomain"},
        {{"login", "--subdomain", "x"}, "There is no flag --subdomain of login", "See: instatunnel help login"},
        {{"kill"}, "NAME is required", "See: instatunnel help kill"},
        {{"auth"},
         "auth needs one of: login, logout, set-key, show-key, keys, password, verify, status, test",
         "See: instatunnel help auth"},
        {{"whoami", "now"}, "\"now\" is one word too many", "See: instatunnel help whoami"},
        {{"3000", "4000"}, "\"4000\" is one word too many", "See: instatunnel help tunnel"},
        {{"3000", "--api-key", ""}, "--api-key has an empty value", "A variable of the shell may be unset"},
        {{"3000", "--api-key="}, "--api-key has an empty value", "A variable of the shell may be unset"},
        {{"3000", "--subdomain"}, "--subdomain needs a value: --subdomain NAME", "See: instatunnel help tunnel"},
        {{"3000", "-s", "a", "-s", "b"}, "--subdomain is given more than once", "See: instatunnel help tunnel"},
        {{""}, "An argument is empty", "A variable of the shell may be unset"},
    };
    for (const auto& [words, detail, next] : rows) {
        const auto f = refused(words);
        CHECK(f.code == errc::usage);
        CHECK(f.detail == detail);
        CHECK(f.next == next);
    }
    CHECK(refused({"3000", "--subdomain"}).code == errc::usage);
    CHECK(refused({"3000", "--quiet=maybe"}).code == errc::usage);
}

TEST_CASE("a key in the wrong place is never repeated") {
    const std::string key = "it_secretsecretsecret";
    for (const std::vector<std::string>& words : {std::vector<std::string>{key},
                                                  {"auth", key},
                                                  {"whoami", key},
                                                  {"3000", key},
                                                  {"3000", "--" + key},
                                                  {"login", "--api-kye", key}}) {
        const auto f = refused(words);
        CHECK(f.code == errc::usage);
        CHECK(f.detail.find("secret") == std::string::npos);
        CHECK(f.next.find("secret") == std::string::npos);
    }
}

TEST_CASE("what stands behind -- is the command of a server, flags and all") {
    const auto o = options_of<open_options>("mcp --shared -s notes --mcp-allow a,b -- npx -y server --json --shared");
    CHECK(o.stdio.wanted);
    CHECK(o.mcp);
    CHECK(o.stdio.shared);
    CHECK(o.subdomain == "notes");
    CHECK(o.stdio.command == std::vector<std::string>{"npx", "-y", "server", "--json", "--shared"});
    CHECK(options_of<open_options>("mcp npx server").stdio.command == std::vector<std::string>{"npx", "server"});
    const std::vector<std::string> empty_argument{"mcp", "--", "sh", "-c", ""};
    CHECK(std::get<open_options>(parse(empty_argument)->command).stdio.command.size() == 3);
    CHECK(refused({"3000", "-s", "mcp", "--", "sh"}).code == errc::usage);
    CHECK(refused({"mcp", "npx", "--", "sh"}).code == errc::usage);
}
