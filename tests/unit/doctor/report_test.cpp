#include "instatunnel/doctor/report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "doctor/local_checks.hpp"
#include "doctor/parts.hpp"

using namespace instatunnel;
using namespace instatunnel::doctor;

TEST_CASE("every check has an id and a title of its own") {
    std::set<std::string> ids, titles;
    for (int i = 0; i <= static_cast<int>(step::mcp); ++i) {
        ids.insert(make_check(static_cast<step>(i)).id);
        titles.insert(make_check(static_cast<step>(i)).title);
    }
    CHECK(ids.size() == static_cast<std::size_t>(step::mcp) + 1);
    CHECK(titles.size() == ids.size());
    for (const auto& title : titles)
        CHECK(title.size() <= 14);
}

TEST_CASE("the exit code is that of the first failure, and warnings have none") {
    report r;
    r.checks.push_back(well(make_check(step::version), "x"));
    r.checks.push_back(warned(make_check(step::clock), "x", "y", "z", errc::server_unreachable));
    CHECK(r.exit() == exit_code::done);
    r.checks.push_back(failed(make_check(step::key), "none", errc::no_key));
    r.checks.push_back(failed(make_check(step::port), "", errc::target_unreachable));
    CHECK(r.exit() == exit_code::not_authenticated);
    CHECK(r.count(check_state::failed) == 2);
}

TEST_CASE("a failure brings its words, or those of its code") {
    const auto plain = failed(make_check(step::key), "none", errc::no_key);
    CHECK(plain.cause == message(errc::no_key));
    CHECK(plain.mend == hint(errc::no_key));
    const auto own = failed(make_check(step::key), "none", {errc::no_key, "why", "how"});
    CHECK(own.cause == "why");
    CHECK(own.mend == "how");
}

TEST_CASE("no check sends people to where they are") {
    for (int code = 1; code <= static_cast<int>(errc::internal); ++code)
        CHECK(failed(make_check(step::api), "", static_cast<errc>(code)).mend.find("instatunnel doctor") ==
              std::string::npos);
}

TEST_CASE("the JSON has null for what is not there") {
    report r;
    r.checks.push_back(well(make_check(step::dns), "found"));
    const auto json = nlohmann::json::parse(to_json(r));
    CHECK(json["event"] == "doctor.report");
    CHECK(json["ok"] == true);
    CHECK(json["server"].is_null());
    CHECK(json["checks"][0]["id"] == "dns");
    CHECK(json["checks"][0]["cause"].is_null());
    CHECK(json["checks"][0]["code"].is_null());
    CHECK(json["summary"] == nlohmann::json{{"ok", 1}, {"warning", 0}, {"failed", 0}, {"skipped", 0}});
}

TEST_CASE("texts of others are cut, tamed and searched for keys") {
    CHECK(presentable("a\x1b[31m\nb\x7f") == "a?[31m?b?");
    CHECK(presentable("\xC2\x9B"
                      "31m") == "?31m");
    CHECK(presentable("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
    CHECK(presentable("see it_0123456789abcdef") == "(left out: it holds an API key)");
    const auto cut = presentable(std::string(299, 'x') + "\xC3\xBC\xC3\xBC");
    CHECK(cut == std::string(299, 'x') + "…");
    CHECK(presentable(std::string(300, 'x')).size() == 300);
}

TEST_CASE("tunnels have their names below the domain of the API") {
    CHECK(tunnel_domain("api.t.example.com") == "t.example.com");
    CHECK(tunnel_domain("t.example.com") == "t.example.com");
    CHECK(tunnel_domain("localhost") == "localhost");
}
