#include "service/site/site.hpp"

#include <regex>

#include "catch_outcome.hpp"
#include "instatunnel/auth/totp.hpp"
#include "instatunnel/base/form.hpp"
#include "service_fixture.hpp"
#include "site_visitor.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

std::string public_query(service_fixture& f, const std::string& redirect) {
    const auto made =
        f.call("POST", "/v1/oauth/register", "",
               {{"client_name", "Editor"}, {"redirect_uris", {redirect}}, {"token_endpoint_auth_method", "none"}});
    REQUIRE(made.status == 201);
    return form()
        .add("response_type", "code")
        .add("client_id", made.body["client_id"])
        .add("redirect_uri", redirect)
        .add("scope", "tunnels:read")
        .add("state", "s")
        .add("code_challenge", std::string(43, 'A'))
        .add("code_challenge_method", "S256")
        .text();
}

std::vector<std::string> shown_codes(const std::string& page) {
    static const std::regex code("<code>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</code>");
    std::vector<std::string> codes;
    for (std::sregex_iterator at(page.begin(), page.end(), code), end; at != end; ++at)
        codes.push_back((*at)[1]);
    return codes;
}

struct two_factor_account {
    secret key;
    std::vector<std::string> recovery;
};

two_factor_account turn_on(service_fixture& f, site_visitor& ann) {
    ann.get("/account/security");
    ann.post("/account/security/two-factor", {});
    two_factor_account made{shown_secret(ann.get("/account/security").text), {}};
    const auto code = auth::totp_code(made.key, auth::totp_step(f.settings.now()));
    made.recovery = shown_codes(ann.post("/account/security/two-factor/confirm", {{"code", code}}).text);
    REQUIRE(made.recovery.size() == 10);
    return made;
}

std::string code_now(service_fixture& f, const two_factor_account& account) {
    f.advance(std::chrono::seconds(30));
    return auth::totp_code(account.key, auth::totp_step(f.settings.now()));
}

}  // namespace

TEST_CASE("people sign in with a form and out again") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    CHECK(ann.get("/account").field("Location") == "/sign-in?next=%2Faccount");
    const auto page = ann.get("/sign-in?next=%2Faccount%2Fkeys");
    const auto wrong = ann.post("/sign-in", {{"email", "ann@example.com"}, {"password", "not it"}});
    CHECK(wrong.status == 401);
    CHECK(wrong.text.find("Wrong email or password") != std::string::npos);
    const auto right = ann.post("/sign-in", {{"email", " ANN@example.com "}, {"password", "correct horse"}});
    CHECK(right.status == 303);
    CHECK(right.field("Location") == "/account/keys");
    CHECK(ann.get("/account").text.find("ann@example.com") != std::string::npos);
    const auto stolen = ann.cookies;
    CHECK(ann.post("/sign-out", {}).status == 303);
    CHECK_FALSE(ann.cookies.contains("__Host-it_session"));
    ann.cookies = stolen;
    CHECK(ann.get("/account").status == 303);
}

TEST_CASE("every page keeps frames, scripts and other sites out") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.get("/sign-in");
    ann.sign_in("ann@example.com", "correct horse");
    for (const auto* path : {"/account", "/account/keys", "/account/devices", "/account/apps", "/account/security",
                             "/account/events", "/device", "/oauth/authorize"}) {
        CAPTURE(path);
        const auto page = ann.get(path);
        const auto policy = page.field("Content-Security-Policy");
        CHECK(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
        CHECK(page.field("X-Frame-Options") == "DENY");
        CHECK(page.field("Cache-Control") == "no-store");
        CHECK(page.text.find("<script") == std::string::npos);
        CHECK(page.text.find("style=\"") == std::string::npos);
    }
}

TEST_CASE("a form of another site, or of a time before the sign-in, changes nothing") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    CHECK(ann.post_raw("/sign-in", "email=ann%40example.com&password=correct+horse").status == 403);
    ann.sign_in("ann@example.com", "correct horse");
    CHECK(ann.post_raw("/account/keys", "name=evil&scope=tunnels%3Awrite").status == 403);
    ann.get("/account/keys");
    ann.extra_fields = {{"Origin", "https://evil.localhost"}};
    CHECK(ann.post("/account/keys", {{"name", "evil"}, {"scope", "tunnels:write"}}).status == 403);
    ann.extra_fields = {{"Sec-Fetch-Site", "same-site"}};
    CHECK(ann.post("/account/keys", {{"name", "evil"}, {"scope", "tunnels:write"}}).status == 403);
    ann.extra_fields = {{"Origin", "https://api.t.example.com:8443"}, {"Sec-Fetch-Site", "same-origin"}};
    CHECK(ann.post("/account/keys", {{"name", "good"}, {"scope", "tunnels:write"}}).status == 200);

    site_visitor bob(f);
    f.sign_up("bob@example.com");
    bob.sign_in("bob@example.com", "correct horse");
    bob.get("/account/keys");
    bob.cookies = ann.cookies;
    bob.extra_fields = {};
    CHECK(bob.post("/account/keys", {{"name", "mixed"}, {"scope", "tunnels:write"}}).status == 403);
}

TEST_CASE("signing in makes a new session, whatever the browser carried before") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    const std::string planted(43, 'A');
    ann.cookies["__Host-it_session"] = planted;
    ann.get("/sign-in");
    ann.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    CHECK(ann.cookies["__Host-it_session"] != planted);
    site_visitor thief(f);
    thief.cookies["__Host-it_session"] = planted;
    CHECK(thief.get("/account").status == 303);
}

TEST_CASE("signing in leads to our own pages only") {
    for (const auto* elsewhere : {"https://evil.example", "//evil.example", "/\\evil.example", "/account/../auth", "",
                                  "/accounts", "/device\r\nX: y", "javascript:alert(1)", "/auth/keys"})
        CHECK(instatunnel::service::safe_next(elsewhere) == "/account");
    for (const auto* ours :
         {"/account", "/account/keys", "/device?user_code=WDJB-MJHT", "/v1/oauth/authorize?client_id=x"})
        CHECK(instatunnel::service::safe_next(ours) == ours);
}

TEST_CASE("an app gets a code after consent, or hears that it was refused") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto query = public_query(f, "http://127.0.0.1/cb");
    site_visitor ann(f);
    const auto away = ann.get("/v1/oauth/authorize?" + query);
    REQUIRE(away.status == 303);
    CHECK(away.field("Location").starts_with("/sign-in?next=%2Fv1%2Foauth%2Fauthorize%3F"));
    const auto form_page = ann.get(away.field("Location"));
    CHECK(form_page.field("Content-Security-Policy").find("form-action 'self' http://127.0.0.1;") != std::string::npos);
    const auto back = ann.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    const auto asked = ann.get(back.field("Location"));
    CHECK(asked.text.find("Editor") != std::string::npos);
    CHECK(asked.text.find("See your tunnels and names") != std::string::npos);
    CHECK(asked.text.find("registered itself") != std::string::npos);
    const auto no = ann.post("/v1/oauth/authorize?" + query, {{"decision", "deny"}});
    CHECK(in_query(no.field("Location"), "error") == "access_denied");
    CHECK(in_query(no.field("Location"), "iss") == "https://api.t.example.com:8443");
    ann.get("/v1/oauth/authorize?" + query);
    const auto yes = ann.post("/v1/oauth/authorize?" + query, {{"decision", "allow"}});
    CHECK(yes.field("Location").starts_with("http://127.0.0.1/cb?code=itc_"));
    CHECK(in_query(yes.field("Location"), "state") == "s");
    CHECK(in_query(yes.field("Location"), "iss") == "https://api.t.example.com:8443");
    // Anybody can listen on a loopback port: the question comes again.
    CHECK(ann.get("/v1/oauth/authorize?" + query).status == 200);
}

TEST_CASE("consent is remembered for an app with an https address, until it is taken back") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto query = public_query(f, "https://app.example.com/cb");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    ann.allow(query);
    CHECK(ann.get("/v1/oauth/authorize?" + query).status == 303);
    CHECK(ann.get("/v1/oauth/authorize?" + query + "&prompt=consent").status == 200);
    const auto apps = ann.get("/account/apps");
    CHECK(apps.text.find("Editor") != std::string::npos);
    CHECK(ann.post("/account/apps/revoke", {}).status == 303);
    CHECK(ann.get("/account/apps").text.find("Editor") == std::string::npos);
    CHECK(ann.get("/v1/oauth/authorize?" + query).status == 200);
}

TEST_CASE("a request that names no safe address is a page, never a redirect") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto query = public_query(f, "https://app.example.com/cb");
    for (const auto& bad : {std::string("client_id=nobody"), std::string("client_id=%zz"),
                            std::regex_replace(query, std::regex("app.example.com"), "evil.example.com")}) {
        const auto page = ann.get("/v1/oauth/authorize?" + bad);
        CHECK(page.status == 400);
        CHECK(page.field("Location").empty());
        CHECK(page.field("Content-Type").starts_with("text/html"));
    }
    const auto downgraded = std::regex_replace(query, std::regex("code_challenge=[^&]*&?"), "");
    CHECK(in_query(ann.get("/v1/oauth/authorize?" + downgraded).field("Location"), "error") == "invalid_request");
}

TEST_CASE("markup in names stays text") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto made = f.call("POST", "/v1/oauth/register", "",
                             {{"client_name", "<b onload=x>\"'&"}, {"redirect_uris", {"https://app.example.com/cb"}}});
    REQUIRE(made.status == 201);
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto page =
        ann.get("/v1/oauth/authorize?client_id=" + made.body["client_id"].get<std::string>() + "&state=\"><b>");
    CHECK(page.status == 200);
    CHECK(page.text.find("<b onload") == std::string::npos);
    CHECK(page.text.find("<b>") == std::string::npos);
    CHECK(page.text.find("&lt;b onload=x&gt;") != std::string::npos);
}

TEST_CASE("guessing codes of devices is limited, on the same machine too") {
    service_fixture f;
    f.sign_up("ann@example.com");
    f.address = "127.0.0.1";
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    ann.get("/device");
    int refused = 0;
    for (int i = 0; i < 12; ++i)
        refused += ann.post("/device", {{"user_code", "BBBB-BBBB"}}).status == 429;
    CHECK(refused == 2);
    CHECK_FALSE(ann.post("/device", {{"user_code", "BBBB-BBBB"}}).field("Retry-After").empty());
}

TEST_CASE("a link with a code of a device decides nothing by itself") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto asked = f.call("POST", "/v1/oauth/device_authorization", "", {{"client_id", "instatunnel-cli"}});
    const std::string code = asked.body["user_code"];
    CHECK(ann.get("/device?user_code=" + code).text.find(code) != std::string::npos);
    const auto question = ann.post("/device", {{"user_code", code}});
    CHECK(question.text.find("Is this your device?") != std::string::npos);
    CHECK(question.text.find("InstaTunnel command line") != std::string::npos);
    ann.post("/device", {{"decision", "deny"}});
    const auto polled = f.call("POST", "/v1/oauth/token", "",
                               {{"client_id", "instatunnel-cli"},
                                {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                {"device_code", asked.body["device_code"]}});
    CHECK(polled.body["error"] == "access_denied");
    CHECK(ann.post("/device", {{"user_code", code}, {"decision", "allow"}}).status == 422);
}

TEST_CASE("keys are made, shown once, replaced and revoked on the pages") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    ann.get("/account/keys");
    const auto made = ann.post("/account/keys", {{"name", "Shop"}, {"scope", "tunnels:read"}, {"life", "30"}});
    static const std::regex key_text("it_[A-Za-z0-9]{16}");
    std::smatch found;
    REQUIRE(std::regex_search(made.text, found, key_text));
    const std::string key = found[0];
    CHECK(f.call("GET", "/v1/auth/user", key).body["permissions"] == json({"tunnels:read"}));
    const std::string id = f.call("GET", "/v1/auth/user", key).body["key"]["id"];
    CHECK(ann.get("/account/keys").text.find(key) == std::string::npos);
    const auto next = ann.post("/account/keys/rotate", {{"key", id}});
    CHECK(std::regex_search(next.text, key_text));
    CHECK(f.call("GET", "/v1/auth/user", key).status == 401);
    ann.get("/account/keys");
    CHECK(ann.post("/account/keys", {{"name", "x"}}).text.find("Choose what the key may do") != std::string::npos);
    CHECK(ann.post("/account/keys/revoke", {{"key", "key_unknown"}}).status == 303);
}

TEST_CASE("browsers that are signed in are listed and can be signed out") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor home(f);
    home.extra_fields = {{"User-Agent", "Home <browser>"}};
    home.sign_in("ann@example.com", "correct horse");
    site_visitor office(f);
    office.extra_fields = {{"User-Agent", "Office browser"}};
    office.sign_in("ann@example.com", "correct horse");
    const auto list = office.get("/account/devices");
    CHECK(list.text.find("Home &lt;browser&gt;") != std::string::npos);
    office.post("/account/devices/end", {{"session", "others"}});
    CHECK(home.get("/account").status == 303);
    CHECK(office.get("/account").status == 200);
    f.advance(instatunnel::service::web_session_idle + std::chrono::minutes(1));
    CHECK(office.get("/account").status == 303);
}

TEST_CASE("with two-factor sign-in a password alone opens nothing") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto account = turn_on(f, ann);

    const json credentials = {{"email", "ann@example.com"}, {"password", "correct horse"}};
    const auto refused = f.call("POST", "/v1/auth/login", "", credentials);
    CHECK(is_error(refused, 401, "unauthorized", 4001));
    CHECK(refused.body["reason"] == "otp_required");
    auto with_code = credentials;
    with_code["otp"] = "000000";
    CHECK(f.call("POST", "/v1/auth/login", "", with_code).body["reason"] == "otp_wrong");
    with_code["otp"] = code_now(f, account);
    CHECK(f.call("POST", "/v1/auth/login", "", with_code).status == 200);
    CHECK(f.call("POST", "/v1/auth/login", "", with_code).body["reason"] == "otp_wrong");

    site_visitor other(f);
    other.get("/sign-in");
    const auto half = other.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    CHECK(half.status == 200);
    CHECK_FALSE(other.cookies.contains("__Host-it_session"));
    CHECK(other.post("/sign-in/code", {{"code", "123456"}}).status == 401);
    CHECK(other.post("/sign-in/code", {{"code", account.recovery[0]}}).status == 303);
    CHECK(other.get("/account").status == 200);
    site_visitor again(f);
    again.get("/sign-in");
    again.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    CHECK(again.post("/sign-in/code", {{"code", account.recovery[0]}}).status == 401);
    f.advance(std::chrono::minutes(6));
    CHECK(again.post("/sign-in/code", {{"code", account.recovery[1]}}).status == 401);
}

TEST_CASE("a half-finished sign-in belongs to the browser that began it") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto account = turn_on(f, ann);
    site_visitor victim(f);
    victim.get("/sign-in");
    const auto half = victim.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    static const std::regex ticket("name=\"ticket\" value=\"([^\"]+)\"");
    std::smatch found;
    REQUIRE(std::regex_search(half.text, found, ticket));
    site_visitor thief(f);
    thief.get("/sign-in");
    CHECK(thief.post("/sign-in/code", {{"ticket", found[1]}, {"code", code_now(f, account)}}).status == 401);
}

TEST_CASE("guessing codes of the second factor is limited") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    turn_on(f, ann);
    const json guess = {{"email", "ann@example.com"}, {"password", "correct horse"}, {"otp", "000000"}};
    int refused = 0;
    for (int i = 0; i < 12; ++i)
        refused += f.call("POST", "/v1/auth/login", "", guess).status == 429;
    CHECK(refused == 2);
}

TEST_CASE("two-factor sign-in is turned off with a code, and new recovery codes replace the old ones") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto account = turn_on(f, ann);
    ann.get("/account/security");
    CHECK(ann.post("/account/security/two-factor/off", {{"code", "000000"}}).status == 200);
    const auto renewed =
        shown_codes(ann.post("/account/security/recovery-codes", {{"code", account.recovery[0]}}).text);
    CHECK(renewed.size() == 10);
    ann.get("/account/security");
    CHECK(ann.post("/account/security/two-factor/off", {{"code", account.recovery[1]}}).status == 200);
    CHECK(ann.post("/account/security/two-factor/off", {{"code", renewed[0]}}).status == 303);
    CHECK(f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}}).status ==
          200);
}

TEST_CASE("a new password signs out browsers, and apps too when keys end with it") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto asked = f.call("POST", "/v1/oauth/device_authorization", "", {{"client_id", "instatunnel-cli"}});
    ann.allow_device(asked.body["user_code"]);
    const auto tokens = f.call("POST", "/v1/oauth/token", "",
                               {{"client_id", "instatunnel-cli"},
                                {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                {"device_code", asked.body["device_code"]}});
    REQUIRE(tokens.status == 200);
    const std::string token = tokens.body["access_token"];
    const json change = {{"current", "correct horse"}, {"new", "gravity falls up"}};
    CHECK(f.call("POST", "/v1/auth/password", key, change).status == 200);
    CHECK(ann.get("/account").status == 303);
    CHECK(f.call("GET", "/v1/auth/user", token).status == 200);
    const json again = {{"current", "gravity falls up"}, {"new", "gravity falls down"}, {"revoke_keys", "sign_in"}};
    CHECK(f.call("POST", "/v1/auth/password", key, again).status == 200);
    CHECK(f.call("GET", "/v1/auth/user", token).status == 401);
}
