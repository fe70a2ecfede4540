#include "instatunnel/oidc/settings.hpp"

#include <catch2/catch.hpp>

#include "catch_outcome.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::oidc;

namespace {

const std::string least = "issuer=https://id.example.com,client_id=abc";

outcome<provider_settings> parse(const std::string& text, const std::string& from_environment = "") {
    return parse_provider(text, secret(from_environment));
}

}  // namespace

TEST_CASE("a provider needs an issuer and a client id", "[oidc]") {
    const auto s = parse(least);
    REQUIRE(s);
    CHECK(s->issuer == "https://id.example.com");
    CHECK(s->client_id == "abc");
    CHECK(s->client_secret.empty());
    CHECK(s->domains.empty());
    CHECK(s->scope == "openid email profile");
    CHECK(s->name == "id.example.com");
}

TEST_CASE("all members of a provider are read", "[oidc]") {
    const test::temporary_folder folder;
    const auto file = folder.write("secret", " s3cret=,\n").string();
    const auto s = parse(" issuer=https://id.example.com/realms/x , client_id=a=b,client_secret_file=" + file +
                             ",domains=Example.com;example.org,scope=openid;email groups,name=Example & Sons,",
                         "unused");
    REQUIRE(s);
    CHECK(s->issuer == "https://id.example.com/realms/x");
    CHECK(s->client_id == "a=b");
    CHECK(s->client_secret.reveal() == "s3cret=,");
    CHECK(s->domains == std::vector<std::string>{"example.com", "example.org"});
    CHECK(s->scope == "openid email groups");
    CHECK(s->name == "Example & Sons");
    CHECK(parse(least, "from-env\n")->client_secret.reveal() == "from-env");
}

TEST_CASE("a wrong member of a provider is named, never repeated", "[oidc]") {
    const auto [text, reason] = GENERATE(table<std::string, std::string>({
        {"", "issuer is missing"},
        {"client_id=abc", "issuer is missing"},
        {"issuer=,client_id=abc", "issuer is missing"},
        {"issuer=https://id.example.com", "client_id is missing"},
        {"issuer=http://id.example.com,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=http://localhost,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=https://id.example.com?x,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=https://id.example.com#x,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=https://a@id.example.com,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=id.example.com,client_id=a", "issuer is not an https address without query and fragment"},
        {"issuer=https://id.example.com,client_id=a b", "client_id must have at most 512 visible ASCII characters"},
        {least + ",client_secret=s3cret",
         "client_secret does not belong on a command line, where others on this machine see it"},
        {least + ",s3cret",
         "it has a member that is none of issuer, client_id, client_secret_file, domains, scope and name"},
        {least + ",secret=s3cret",
         "it has a member that is none of issuer, client_id, client_secret_file, domains, scope and name"},
        {least + ",issuer=https://other.example", "issuer is there twice"},
        {least + ",domains=", "domains is empty"},
        {least + ",domains=;", "domains is empty"},
        {least + ",domains=example.com;*.example.org", "domains holds one that is no domain"},
        {least + ",domains=@example.com", "domains holds one that is no domain"},
        {least + ",scope=email profile", "scope must hold openid"},
        {least + ",scope=", "scope must hold openid"},
        {least + ",scope=openid \x7f", "scope holds what no scope has"},
        {least + ",name=", "name must have 1 to 120 bytes and no control characters"},
        {least + ",name=a\x01", "name must have 1 to 120 bytes and no control characters"},
    }));
    INFO(text);
    const auto s = parse(text);
    REQUIRE_FALSE(s);
    CHECK(s.error().code == errc::usage);
    CHECK(s.error().what() == "That is no OpenID provider: " + reason);
    CHECK(s.error().what().find("s3cret") == std::string::npos);
}

TEST_CASE("a secret's file must be private and hold one", "[oidc]") {
    const test::temporary_folder folder;
    const auto empty = parse(least + ",client_secret_file=" + folder.write("empty", " \n").string());
    REQUIRE_FALSE(empty);
    CHECK(empty.error().what() == "That is no OpenID provider: the file of client_secret_file is empty");
    const auto open = folder.write("open", "s3cret");
    std::filesystem::permissions(open, std::filesystem::perms(0644));
    const auto shared = parse(least + ",client_secret_file=" + open.string());
    REQUIRE_FALSE(shared);
    CHECK(shared.error().code == errc::file_permission);
    const auto missing = parse(least + ",client_secret_file=" + (folder.path() / "none").string());
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == errc::file_missing);
    const auto unprintable = parse(least,
                                   "a\x01"
                                   "b");
    REQUIRE_FALSE(unprintable);
    CHECK(unprintable.error().what() ==
          "That is no OpenID provider: its client secret must have at most 4,096 visible ASCII characters");
}

TEST_CASE("a provider on this machine may be http where that is allowed", "[oidc]") {
    const auto local = [](const std::string& issuer) {
        return parse_provider("client_id=a,issuer=" + issuer, secret(), transport_rule::or_loopback);
    };
    CHECK(local("http://localhost:9090"));
    CHECK(local("http://127.0.0.1:9090/realm"));
    CHECK(local("https://id.example.com"));
    CHECK_FALSE(local("http://id.example.com"));
}
