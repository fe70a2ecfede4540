#include "instatunnel/client/redaction.hpp"

#include <catch2/catch.hpp>
#include <utility>

#include "recording_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::test;
using client::shown_field;
using client::shown_url;

TEST_CASE("of fields that let somebody in only what names them is shown") {
    const struct {
        const char* name;
        const char* value;
        const char* shown;
    } cases[] = {
        {"Authorization", "Bearer abc.def", "Bearer ***"},
        {"authorization", "basic dTpw", "basic ***"},
        {"Authorization", "abcdef", "***"},
        {"Authorization", "secretpart otherpart", "***"},
        {"Proxy-Authorization", "Basic dTpw", "Basic ***"},
        {"Cookie", "sid=abc; theme=dark", "sid=***; theme=***"},
        {"Cookie", "abc", "***"},
        {"Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly"},
        {"Set-Cookie", "abc; Path=/", "***; Path=/"},
        {"X-API-Key", "k-123", "***"},
        {"X-Auth-Token", "t", "***"},
        {"X-Gitlab-Token", "t", "***"},
        {"Ocp-Apim-Subscription-Key", "k", "***"},
        {"Mcp-Session-Id", "s-1", "***"},
        {"X-Amz-Security-Token", "x", "***"},
        {"X-Client-Secret", "x", "***"},
        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="},
        {"X-Hub-Signature-256", "sha256=ab", "sha256=ab"},
        {"Content-Type", "application/json", "application/json"},
        {"Location", "/done?code=abc&state=1", "/done?code=***&state=1"},
        {"Referer", "https://u:p@h.example/p?token=1#access_token=2",
         "https://***@h.example/p?token=***#access_token=***"},
        {"Link", "<https://h.example/?key=1>; rel=next", "<https://h.example/?key=***; rel=next"},
        {"X-Empty", "", ""},
    };
    for (const auto& c : cases)
        CHECK(shown_field(c.name, c.value) == c.shown);
}

TEST_CASE("parameters whose names speak of secrets are masked, however they are written") {
    const std::pair<const char*, const char*> cases[] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a?x=1&y=2", "/a?x=1&y=2"},
        {"/a?token=abc", "/a?token=***"},
        {"/a?x=1&api_key=abc&y=2", "/a?x=1&api_key=***&y=2"},
        {"/a?API-KEY=abc", "/a?API-KEY=***"},
        {"/a?%74oken=abc", "/a?%74oken=***"},
        {"/a?X-Amz-Signature=ab;sig=cd", "/a?X-Amz-Signature=***;sig=***"},
        {"/a?password=p&code=c&client_secret=s", "/a?password=***&code=***&client_secret=***"},
        {"/a?refresh_token=", "/a?refresh_token="},
        {"/a?token", "/a?token"},
        {"/a?monkey=1&keyboard=2&zipcode=3", "/a?monkey=1&keyboard=2&zipcode=3"},
        {"/a?next=/b?token=x", "/a?next=/b?token=***"},
        {"/a?x=%", "/a?x=%"},
    };
    for (const auto& [url, expected] : cases) {
        CHECK(shown_url(url) == expected);
        CHECK(shown_url(expected) == expected);
    }
}

TEST_CASE("what is read of a recording has its secrets masked") {
    recorded_session s;
    auto head = request("GET", "/in?token=planted");
    head.fields.push_back({"Authorization", "Bearer planted"});
    head.fields.push_back({"Cookie", "sid=planted"});
    s.pair.edge.open(head, flag::end);
    s.pair.settle();
    auto answer = reply(302);
    answer.fields = {{"Set-Cookie", "sid=planted; Secure"}, {"Location", "/?code=planted"}};
    s.app().stream->send_reply(answer, flag::end);
    const auto all = [](const client::recorded& r) { return r.path + shown(r.fields) + shown(r.reply_fields); };
    CHECK(all(s.last()).find("planted") == std::string::npos);
    CHECK(s.last().path == "/in?token=***");
    CHECK(s.record.list({}, 1).front().path == "/in?token=***");
    const auto waited =
        s.record.wait({}, 0, client::recording::moment::answered, std::chrono::steady_clock::time_point{}, {});
    CHECK(all(waited.value()).find("planted") == std::string::npos);
    client::recorded_filter f;
    f.set_path("/in?token=plant");
    CHECK(s.record.list(f, 1).empty());
}
