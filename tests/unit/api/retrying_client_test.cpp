#include "instatunnel/api/retrying_client.hpp"

#include <catch2/catch.hpp>
#include <deque>

using namespace instatunnel;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using field_list = std::vector<std::pair<std::string, std::string>>;

/// Gives its answers in order, and the last one for ever.
class scripted_server final : public api::http_client {
public:
    struct answer {
        int status;
        std::string body;
        field_list fields;
    };
    explicit scripted_server(int& requests, std::deque<answer> answers)
        : requests_(requests), answers_(std::move(answers)) {}

    outcome<api::http_reply> send(std::string_view, const std::string&, const field_list&, std::string_view,
                                  milliseconds) override {
        ++requests_;
        const auto next = answers_.front();
        if (answers_.size() > 1) answers_.pop_front();
        if (next.status == 0) return failure(errc::server_unreachable);
        api::http_reply reply;
        reply.status = next.status;
        reply.body = secret(next.body);
        reply.fields = next.fields;
        return reply;
    }

private:
    int& requests_;
    std::deque<answer> answers_;
};

struct retries {
    int requests = 0;
    std::vector<milliseconds> slept, told;
    double random = 0;
    api::retry_policy policy;

    outcome<api::http_reply> ask(std::deque<scripted_server::answer> answers, std::string_view method = "GET") {
        api::retry_seams seams{[this](milliseconds length) { slept.push_back(length); },
                               [this](milliseconds length) { told.push_back(length); }, [this] { return random; }};
        auto client = api::make_retrying_client(std::make_unique<scripted_server>(requests, std::move(answers)), policy,
                                                std::move(seams));
        return client->send(method, "https://api.t.example.com/v1/x", {}, "", seconds(15));
    }
};

constexpr const char* sixty =
    R"({"error":"rate_limited","message":"API rate limit exceeded","retry_after":60,"code":4029})";

}  // namespace

TEST_CASE("an answer that is no refusal is returned at once", "[retry]") {
    for (const int status : {200, 204, 302, 400, 401, 403, 404, 409, 500, 502, 504}) {
        retries f;
        const auto reply = f.ask({{status, "", {}}});
        REQUIRE(reply.has_value());
        CHECK(reply->status == status);
        CHECK(f.requests == 1);
    }
    retries f;
    CHECK(f.ask({{0, "", {}}}).error().code == errc::server_unreachable);
    CHECK(f.requests == 1);
}

TEST_CASE("a refusal waits as long as the server asks, and says so before", "[retry]") {
    retries f;
    const auto reply = f.ask({{429, sixty, {}}, {200, "ok", {}}});
    REQUIRE(reply.has_value());
    CHECK(reply->status == 200);
    CHECK(f.requests == 2);
    CHECK(f.slept == std::vector<milliseconds>{seconds(60)});
    CHECK(f.told == f.slept);
}

TEST_CASE("Retry-After counts where the body says nothing, and up to a tenth is added", "[retry]") {
    retries f;
    f.random = 0.5;
    CHECK(f.ask({{503, "", {{"retry-after", "10"}}}, {200, "", {}}})->status == 200);
    CHECK(f.slept == std::vector<milliseconds>{milliseconds(10'500)});
}

TEST_CASE("without a word of the server the waits double and vary", "[retry]") {
    retries f;
    CHECK(f.ask({{429, "", {}}})->status == 429);
    CHECK(f.requests == 5);
    CHECK(f.slept == std::vector<milliseconds>{milliseconds(500), seconds(1), seconds(2), seconds(4)});
    retries g;
    g.random = 0.999999;
    CHECK(g.ask({{429, "<html>", {{"Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"}}}})->status == 429);
    REQUIRE(g.slept.size() == 4);
    CHECK(g.slept[0] > milliseconds(990));
    CHECK(g.slept[3] <= seconds(8));
}

TEST_CASE("the waits together are bounded", "[retry]") {
    retries f;
    CHECK(f.ask({{429, sixty, {}}})->status == 429);
    CHECK(f.requests == 2);
    CHECK(f.slept.size() == 1);
    retries g;
    CHECK(g.ask({{429, R"({"retry_after":86400})", {}}})->status == 429);
    CHECK(g.slept.empty());
    CHECK(g.told.empty());
    retries h;
    CHECK(h.ask({{429, R"({"retry_after":18446744073709551615})", {}}})->status == 429);
    CHECK(h.slept.empty());
}

TEST_CASE("what may have had an effect is not repeated", "[retry]") {
    for (const char* method : {"POST", "PATCH"}) {
        retries f;
        CHECK(f.ask({{429, R"({"retry_after":1})", {}}, {200, "", {}}}, method)->status == 429);
        CHECK(f.requests == 1);
        CHECK(f.slept.empty());
    }
    for (const char* method : {"HEAD", "PUT", "DELETE"}) {
        retries f;
        CHECK(f.ask({{429, R"({"retry_after":1})", {}}, {200, "", {}}}, method)->status == 200);
    }
}
