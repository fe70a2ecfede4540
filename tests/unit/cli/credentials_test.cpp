#include "cli/credentials.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;

namespace {

constexpr const char* flag_key = "it_flagflagflagflag";
constexpr const char* env_key = "it_envenvenvenvenve";
constexpr const char* kept_key = "it_keptkeptkeptkept";

struct resolving : cli_fixture {
    outcome<credentials> resolved(key_need need = key_need::required) {
        terminal term(in.fd(), out.fd(), err.fd(), traits);
        const auto profiles = store();
        auto c = context_for(term, profiles);
        return resolve(c, need);
    }
};

}  // namespace

TEST_CASE("a key from a flag wins over the environment, which wins over the stored one") {
    resolving f;
    f.store_profile("default", kept_key);
    CHECK(f.resolved()->key.reveal() == kept_key);
    CHECK(f.resolved()->key_from == origin::stored);
    f.env.api_key = secret(env_key);
    CHECK(f.resolved()->key.reveal() == env_key);
    CHECK(f.resolved()->key_from == origin::environment);
    f.globals.api_key = secret(flag_key);
    CHECK(f.resolved()->key.reveal() == flag_key);
    CHECK(f.resolved()->key_from == origin::flag);
    CHECK(describe_key_origin(*f.resolved()) == "--api-key");
}

TEST_CASE("a server from a flag wins over the environment, the stored one and the default") {
    resolving f;
    f.env.api_key = secret(env_key);
    CHECK(f.resolved()->server == "https://api.instatunnel.my");
    CHECK(f.resolved()->server_from == origin::preset);
    f.store_profile("default", kept_key, "https://api.stored.example");
    CHECK(f.resolved()->server == "https://api.stored.example");
    CHECK(describe_server_origin(*f.resolved()) == "profile default");
    f.env.server = "https://api.env.example/";
    CHECK(f.resolved()->server == "https://api.env.example");
    f.globals.server = "https://API.Flag.example:8443";
    CHECK(f.resolved()->server == "https://api.flag.example:8443");
    CHECK(f.resolved()->server_from == origin::flag);
}

TEST_CASE("a profile is named by flag, environment, setting, and else default") {
    resolving f;
    for (const char* name : {"default", "setting", "env", "flag"})
        f.store_profile(name, "it_" + std::string(name) + "0123456789abcdef");
    const auto name = [&] { return f.resolved()->profile.name; };
    CHECK(name() == "default");
    REQUIRE(f.store().set_setting("default_profile", "setting").has_value());
    CHECK(name() == "setting");
    f.env.profile = "env";
    CHECK(name() == "env");
    f.globals.profile = "flag";
    CHECK(name() == "flag");
    CHECK(f.resolved()->key.reveal() == "it_flag0123456789abcdef");
}

TEST_CASE("a key with blanks around it is trimmed, any other fault is named and the key is not") {
    resolving f;
    f.env.api_key = secret("  it_1234567890abcdef\n");
    CHECK(f.resolved()->key.reveal() == "it_1234567890abcdef");
    struct row {
        std::string key;
        const char* reason;
    };
    const row rows[] = {
        {"sk_1234567890abcdef", "it does not start with it_"},
        {"it_1234567890abcde", "it has 15 characters behind it_, at least 16 are needed"},
        {"it_" + std::string(129, 'x'), "it has 129 characters behind it_, at most 128 are allowed"},
        {"it_1234567890 abcdef", "it holds characters that are no letters or digits behind it_"},
    };
    for (const auto& [key, reason] : rows) {
        f.env.api_key = secret(key);
        const auto failed = f.resolved();
        REQUIRE_FALSE(failed.has_value());
        CHECK(failed.error().code == errc::malformed_key);
        CHECK(failed.error().detail == "The API key from INSTATUNNEL_API_KEY is malformed: " + std::string(reason));
        CHECK(failed.error().detail.find("abcd") == std::string::npos);
    }
}

TEST_CASE("a server that is no https URL is refused with its source") {
    resolving f;
    f.env.api_key = secret(env_key);
    for (const char* url : {"api.example.com", "http://api.example.com", "https://", "https://a b", "ftp://x"}) {
        f.globals.server = url;
        const auto failed = f.resolved();
        REQUIRE_FALSE(failed.has_value());
        CHECK(failed.error().code == errc::malformed_url);
        CHECK(failed.error().detail.find("--server") != std::string::npos);
    }
}

TEST_CASE("a stored authority goes with its own server only") {
    resolving f;
    f.store_profile("default", kept_key, "https://api.one.example", "/one.pem");
    CHECK(f.resolved()->cacert == "/one.pem");
    f.globals.server = "https://api.two.example";
    CHECK(f.resolved()->cacert.empty());
    f.globals.cacert = "relative.pem";
    CHECK(f.resolved()->cacert == (std::filesystem::current_path() / "relative.pem").string());
}

TEST_CASE("the authority of the dev edge is found by itself") {
    resolving f;
    f.store_profile("dev", kept_key, "https://api.localhost:8443", "/dev/ca.pem");
    f.globals.server = "https://api.localhost:8443";
    f.globals.api_key = secret(flag_key);
    CHECK(f.resolved()->cacert == "/dev/ca.pem");
    CHECK(f.resolved(key_need::none)->cacert == "/dev/ca.pem");
}

TEST_CASE("a dev edge that runs stands in when nothing is configured, and that is said") {
    resolving f;
    f.edge_runs = true;
    f.store_profile("dev", kept_key, "https://api.localhost:8443", "/dev/ca.pem");
    const auto in_use = f.resolved();
    REQUIRE(in_use.has_value());
    CHECK(in_use->key.reveal() == kept_key);
    CHECK(in_use->server == "https://api.localhost:8443");
    CHECK(in_use->cacert == "/dev/ca.pem");
    CHECK(in_use->key_from == origin::dev_edge);
    CHECK(f.err.text() == "No account is configured: using the dev edge at https://api.localhost:8443 (profile dev)\n");
}

TEST_CASE("the dev edge does not stand in when anything else was chosen") {
    const auto code = [](auto change) {
        resolving f;
        f.edge_runs = true;
        f.store_profile("dev", kept_key, "https://api.localhost:8443");
        change(f);
        const auto failed = f.resolved();
        REQUIRE_FALSE(failed.has_value());
        return failed.error().code;
    };
    CHECK(code([](resolving& f) { f.edge_runs = false; }) == errc::no_key);
    CHECK(code([](resolving& f) { f.globals.server = "https://api.t.example.com"; }) == errc::no_key);
    CHECK(code([](resolving& f) { f.env.server = "https://api.t.example.com"; }) == errc::no_key);
    CHECK(code([](resolving& f) { f.globals.profile = "work"; }) == errc::no_key);
    CHECK(code([](resolving& f) { f.store_profile("work", kept_key); }) == errc::no_key);
}

TEST_CASE("a legacy file is carried over once, with a notice") {
    resolving f;
    f.folder.write(".instatunnel.yaml",
                   "api_key: it_1234567890abcdef\nemail: old@example.com\nserver_url: https://api.old.example\n");
    const auto in_use = f.resolved();
    REQUIRE(in_use.has_value());
    CHECK(in_use->key.reveal() == "it_1234567890abcdef");
    CHECK(in_use->server == "https://api.old.example");
    CHECK(in_use->profile.stored.email == "old@example.com");
    const auto notice = f.err.text();
    CHECK(notice == "The settings of " + f.env.legacy_file.string() + " were carried over to " +
                        f.store().file().string() + " (profile default)\n");

    // Signing out must not bring the old key back.
    REQUIRE(f.store().remove("default").has_value());
    CHECK(f.resolved().error().code == errc::no_key);
    CHECK(f.err.text() == notice);
}

TEST_CASE("a legacy file does not replace a profile, nor count with --config") {
    resolving f;
    f.folder.write(".instatunnel.yaml", "api_key: it_1234567890abcdef\n");
    f.store_profile("default", kept_key);
    CHECK(f.resolved()->key.reveal() == kept_key);
    CHECK(f.err.text().empty());

    resolving other;
    other.folder.write(".instatunnel.yaml", "api_key: it_1234567890abcdef\n");
    other.globals.config = other.folder.path() / "other.json";
    CHECK(other.resolved().error().code == errc::no_key);
}

TEST_CASE("a malformed key in a legacy file is left out and said, not shown") {
    resolving f;
    f.folder.write(".instatunnel.yaml", "api_key: it_short\nemail: old@example.com\n");
    CHECK(f.resolved().error().code == errc::no_key);
    CHECK(f.err.text().find("malformed and was left out") != std::string::npos);
    CHECK(f.err.text().find("it_short") == std::string::npos);
}
