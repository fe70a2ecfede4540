#include "cli/config_command.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

config_options set(const char* name, const std::string& value) {
    return {config_action::set, name, value};
}
config_options get(const char* name) {
    return {config_action::get, name, {}};
}

}  // namespace

TEST_CASE("config path prints where the file is, whether it exists or not") {
    cli_fixture f;
    CHECK(status_of(f.run(run_config, {config_action::path, {}, {}})) == 0);
    CHECK(f.out.text() == (f.env.home / "config.json").string() + "\n");
    CHECK_FALSE(std::filesystem::exists(f.env.home));
}

TEST_CASE("a value that was set is read back and can be removed") {
    cli_fixture f;
    CHECK(status_of(f.run(run_config, set("server", "https://API.t.example.com/"))) == 0);
    CHECK(status_of(f.run(run_config, get("server"))) == 0);
    CHECK(status_of(f.run(run_config, set("default_profile", "work"))) == 0);
    CHECK(status_of(f.run(run_config, get("default_profile"))) == 0);
    CHECK(f.out.text() == "https://api.t.example.com\nwork\n");
    CHECK(status_of(f.run(run_config, {config_action::unset, "default_profile", {}})) == 0);
    CHECK(status_of(f.run(run_config, get("default_profile"))) == 6);
}

TEST_CASE("what cannot be a value is refused") {
    cli_fixture f;
    CHECK(status_of(f.run(run_config, set("server", "ftp://x"))) == 2);
    CHECK(f.run(run_config, set("cacert", "/nowhere.pem")).error().code == errc::file_missing);
    CHECK(status_of(f.run(run_config, set("email", "a@b.c"))) == 2);
    CHECK(status_of(f.run(run_config, set("key", "it_1234567890abcdef"))) == 2);
    CHECK(status_of(f.run(run_config, {config_action::unset, "email", {}})) == 2);
    CHECK(f.err.text().find("1234") == std::string::npos);
    CHECK(f.run(run_config, get("sever")).error().next == "Did you mean: instatunnel config get server");
}

TEST_CASE("a CA file is stored with its absolute path") {
    cli_fixture f;
    f.folder.write("ca.pem", "x");
    CHECK(status_of(f.run(run_config, set("cacert", (f.folder.path() / "." / "ca.pem").string()))) == 0);
    CHECK(f.store().load("default").value()->cacert == (f.folder.path() / "ca.pem").string());
}

TEST_CASE("config show tells what is in effect and from where, never the key") {
    cli_fixture f;
    f.store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "/ca.pem");
    f.store_profile("dev", "it_devdevdevdevdevd");
    CHECK(status_of(f.run(run_config)) == 0);
    CHECK(f.out.text() == "File: " + (f.env.home / "config.json").string() +
                              "\nProfile: default\nServer: https://api.t.example.com (from: profile default)\n"
                              "API Key: it_***...def (from: profile default)\nKeystore: file\nCA file: /ca.pem\nEmail: "
                              "stored@example.com\n"
                              "Profiles: default, dev\n");
}

TEST_CASE("config show works before anything is configured") {
    cli_fixture f;
    CHECK(status_of(f.run(run_config)) == 0);
    CHECK(f.out.text() == "File: " + (f.env.home / "config.json").string() +
                              "\nProfile: default\nServer: https://api.instatunnel.my (from: default)\nAPI Key: none\n"
                              "Keystore: file\nProfiles: none\n");
}

TEST_CASE("a broken configuration file is an error that names it") {
    cli_fixture f;
    std::filesystem::create_directory(f.env.home);
    f.folder.write("home/config.json", "{\"profiles\":");
    CHECK(f.run(run_config).error().code == errc::config_invalid);
    CHECK(f.err.text().find((f.env.home / "config.json").string()) != std::string::npos);
}
