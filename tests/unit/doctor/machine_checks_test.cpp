#include "doctor/machine_checks.hpp"

#include <catch2/catch.hpp>

#include "temporary_folder.hpp"

using namespace instatunnel;
using doctor::check_configuration;
using doctor::check_key;
using doctor::check_state;
using test::temporary_folder;

namespace {

doctor::settings settings_in(const temporary_folder& folder) {
    doctor::settings s;
    s.home = folder.path();
    s.config_file = folder.path() / "config.json";
    s.profile = "default";
    s.server = "https://a.b";
    s.server_from = "--server";
    return s;
}

}  // namespace

TEST_CASE("a configuration that is missing or whole is well") {
    const temporary_folder folder;
    const auto s = settings_in(folder);
    CHECK(check_configuration(s).found ==
          s.config_file.string() + " does not exist yet, server https://a.b (from: --server)");
    folder.write("config.json", R"({"profiles":{}})");
    CHECK(check_configuration(s).found ==
          s.config_file.string() + ", profile default, server https://a.b (from: --server)");
}

TEST_CASE("what is wrong with the configuration is told in the store's words") {
    const temporary_folder folder;
    auto s = settings_in(folder);
    folder.write("config.json", "{");
    CHECK(check_configuration(s).code == errc::config_invalid);
    folder.write("config.json", "{}");
    std::filesystem::permissions(s.config_file, std::filesystem::perms(0644));
    CHECK(check_configuration(s).code == errc::file_permission);
    std::filesystem::permissions(s.config_file, std::filesystem::perms(0600));
    std::filesystem::permissions(s.home, std::filesystem::perms(0750));
    const auto open = check_configuration(s);
    CHECK(open.state == check_state::warning);
    CHECK(open.mend == "chmod 700 " + s.home.string());
    s.place_problem = failure(errc::malformed_url, "The server from INSTATUNNEL_SERVER is none");
    CHECK(check_configuration(s).cause == "The server from INSTATUNNEL_SERVER is none");
}

TEST_CASE("a key is shown by its end alone") {
    const temporary_folder folder;
    auto s = settings_in(folder);
    CHECK(check_key(s).code == errc::no_key);
    s.key = secret("it_0123456789abcdef");
    s.key_from = "profile default";
    CHECK(check_key(s).found == "it_***...def from profile default");
}

TEST_CASE("a key that a broken configuration hides is not called missing") {
    const temporary_folder folder;
    auto s = settings_in(folder);
    s.place_problem = failure(errc::config_invalid);
    s.key_problem = failure(errc::config_invalid);
    CHECK(check_key(s).state == check_state::skipped);
    s.key_problem = failure(errc::malformed_key);
    CHECK(check_key(s).state == check_state::failed);
}
