#include "edge/visitor_passes.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using namespace instatunnel::edge;

namespace {

const visitor_passes::steady_time passes_begin{std::chrono::hours(1)};
const wall_time passes_morning{std::chrono::hours(24 * 365)};

struct holding final : pass_holder {
    void on_pass_ended() override { ++ended; }
    int ended = 0;
};

struct passes_fixture {
    std::shared_ptr<visitor_pass> keep(const std::string& token, const std::string& id = "tok_1") {
        service::visitor_claim claim;
        claim.host = "demo.t.example.com";
        service::visitor_answer answer;
        answer.token_id = id;
        answer.identity = "signed";
        answer.expires_at = passes_morning + std::chrono::minutes(10);
        return passes.keep(visitor_passes::key_for(token, claim.host), claim, answer, passes_begin);
    }
    std::shared_ptr<visitor_pass> find(const std::string& token, std::chrono::seconds after = {},
                                       const std::string& host = "demo.t.example.com") {
        return passes.find(visitor_passes::key_for(token, host), passes_begin + after, passes_morning + after);
    }
    visitor_passes passes;
};

}  // namespace

TEST_CASE("an answer of the service counts for a moment, for its tunnel, until the token expires") {
    passes_fixture f;
    CHECK_FALSE(f.find("a"));
    f.keep("a");
    REQUIRE(f.find("a"));
    CHECK(f.find("a")->identity == "signed");
    CHECK_FALSE(f.find("b"));
    CHECK_FALSE(f.find("a", {}, "other.t.example.com"));
    CHECK(f.find("a", visitor_passes::life - std::chrono::seconds(1)));
    CHECK_FALSE(f.find("a", visitor_passes::life));
    auto pass = f.keep("a");
    pass->expires_at = passes_morning + std::chrono::seconds(5);
    CHECK_FALSE(f.find("a", std::chrono::seconds(5)));
}

TEST_CASE("a token that ends takes its requests with it, and only those") {
    passes_fixture f;
    holding first, second, other;
    f.keep("a")->holders = {&first, &second};
    f.keep("b", "tok_2")->holders = {&other};
    f.passes.end("tok_1");
    CHECK((first.ended == 1 && second.ended == 1 && other.ended == 0));
    CHECK_FALSE(f.find("a"));
    CHECK(f.find("b"));
    f.passes.end("tok_1");
    CHECK(first.ended == 1);
}

TEST_CASE("what was remembered can be doubted") {
    passes_fixture f;
    f.keep("a");
    f.passes.make_stale();
    CHECK_FALSE(f.find("a"));
    f.keep("a");
    CHECK(f.find("a"));
}

TEST_CASE("only requests under way are looked at again: after their token's end, or all") {
    passes_fixture f;
    holding request;
    f.keep("idle");
    f.keep("busy", "tok_2")->holders = {&request};
    const auto seen = [&](std::chrono::minutes after, bool all) {
        std::string ids;
        f.passes.each_under_way(passes_morning + after, all, [&](const auto& pass) { ids += pass->token_id + " "; });
        return ids;
    };
    CHECK(seen(std::chrono::minutes(0), false).empty());
    CHECK(seen(std::chrono::minutes(0), true) == "tok_2 ");
    CHECK(seen(std::chrono::minutes(10), false) == "tok_2 ");
}

TEST_CASE("what nobody uses is forgotten, and what requests go on by is kept") {
    passes_fixture f;
    holding request;
    f.keep("idle");
    f.keep("busy", "tok_2")->holders = {&request};
    f.passes.forget_unused(passes_begin);
    CHECK(f.passes.size() == 2);
    f.passes.forget_unused(passes_begin + visitor_passes::life);
    CHECK(f.passes.size() == 1);
    for (std::size_t i = 0; i < visitor_passes::most + 10; ++i)
        f.keep("flood " + std::to_string(i), "tok_3");
    CHECK(f.passes.size() <= visitor_passes::most);
    CHECK(f.find("busy"));
}
