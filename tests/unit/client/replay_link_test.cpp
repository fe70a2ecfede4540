#include "client/replay_link.hpp"

#include <catch2/catch.hpp>

#include "catch_outcome.hpp"
#include "client/directory_origin.hpp"
#include "loop_runner.hpp"
#include "recording_fixture.hpp"
#include "scratch_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::test;
using client::recorded;
using client::replay_link;

namespace {

// Answers as the test says.
class scripted_origin final : public client::origin {
public:
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override {
        asked = std::string(open.method) + " " + std::string(open.path);
        length = open.content_length;
        owner.stream = &s;
        owner.last_flags = flags;
        owner.keep(open.fields);
        s.set_events(owner);
        if (on_serve) on_serve();
    }
    std::uint64_t served() const noexcept override { return 0; }

    stream_owner owner;
    std::string asked;
    std::int64_t length = -1;
    std::function<void()> on_serve;
};

// A request that was recorded, and a loop on which it is sent again.
struct replay_bench final : client::replay_link_events {
    explicit replay_bench(std::string_view body = {}) {
        original.ask(body.empty() ? "GET" : "POST", "/again?x=1", body);
        original.answer();
    }
    ~replay_bench() {
        runner.run_once([this] {
            if (link != nullptr) runner.loop.retire(std::move(link));
        });
    }

    std::uint64_t start(const client::replay_changes& changes = {}, client::origin* other = nullptr) {
        auto made = client::make_replay(original.record, 1, changes);
        REQUIRE(made);
        const auto number = original.record.announce(*made);
        runner.run_once([&] {
            link = std::make_unique<replay_link>(runner.loop, chunks, other != nullptr ? *other : origin,
                                                 original.record, number, std::move(*made), *this);
            link->start();
        });
        return number;
    }
    void on_replayed(replay_link& l) override {
        CHECK(&l == link.get());
        runner.loop.retire(std::move(link));
    }
    void answer_with(std::string_view body) {
        origin.owner.stream->send_reply(reply(), 0);
        origin.owner.stream->write(body);
        origin.owner.stream->finish();
        origin.owner.release();
    }
    bool ends() {
        return runner.run_until([this] { return link == nullptr; });
    }
    recorded found(std::uint64_t number) { return original.record.find(number).value(); }

    recorded_session original{{500, 4 * 1024 * 1024, 32 * 1024 * 1024}};
    scripted_origin origin;
    engine::chunk_pool chunks;
    loop_runner runner;
    std::unique_ptr<replay_link> link;
};

}  // namespace

TEST_CASE("a replay takes the way of a visitor's request, and is recorded like one") {
    replay_bench b("body");
    b.origin.owner.on_the_end = [&](stream_owner&) { b.answer_with("seen"); };
    const auto number = b.start();
    REQUIRE(b.ends());
    CHECK(b.origin.asked == "POST /again?x=1");
    CHECK(b.origin.length == 4);
    CHECK(b.origin.owner.body == "body");
    CHECK(b.origin.owner.fields.back() == std::pair<std::string, std::string>("X-Instatunnel-Replay", "req_1"));
    const auto r = b.found(number);
    CHECK(r.replay_of == 1);
    CHECK(r.how == recorded::stage::finished);
    CHECK(r.status == 200);
    CHECK(r.body.bytes == "body");
    CHECK(r.reply_body.bytes == "seen");
}

TEST_CASE("bodies larger than every window pass both ways") {
    const std::string large(900'000, 'u');
    replay_bench b(large);
    b.origin.owner.on_the_end = [&](stream_owner&) { b.answer_with(std::string(3'000'000, 'd')); };
    const auto number = b.start();
    REQUIRE(b.ends());
    CHECK(b.origin.owner.body == large);
    CHECK(b.found(number).reply_body.size == 3'000'000);
    CHECK(b.found(number).how == recorded::stage::finished);
}

TEST_CASE("an origin may answer before it has read the request") {
    replay_bench b(std::string(900'000, 'u'));
    b.origin.owner.consumes = false;
    b.origin.on_serve = [&] { b.answer_with("no"); };
    const auto number = b.start();
    REQUIRE(b.ends());
    CHECK(b.found(number).how == recorded::stage::finished);
    CHECK(b.found(number).reply_body.bytes == "no");
}

TEST_CASE("a replay that the origin refuses says why") {
    replay_bench b;
    b.origin.on_serve = [&] {
        b.origin.owner.stream->reset(code::origin_unreachable, "localhost:3000");
        b.origin.owner.release();
    };
    const auto number = b.start();
    REQUIRE(b.ends());
    CHECK(b.found(number).fault == "origin_unreachable");
    CHECK(b.found(number).status == 502);
}

TEST_CASE("a replay that nobody waits for any more is taken back from the origin") {
    replay_bench b;
    const auto number = b.start();
    REQUIRE(b.runner.run_until([&] { return b.origin.owner.stream != nullptr; }));
    b.runner.run_once([&] {
        b.origin.owner.stream->send_reply(reply(), 0);
        b.origin.owner.stream->write("some");
    });
    b.runner.run_once([&] {
        b.link->abandon("The replay's time is over");
        b.runner.loop.retire(std::move(b.link));
    });
    CHECK(b.origin.owner.told.find("reset session_lost") != std::string::npos);
    CHECK(b.found(number).how == recorded::stage::cut);
    CHECK(b.found(number).fault == "cancelled");
    CHECK(b.found(number).fault_text == "The replay's time is over");
    CHECK(b.found(number).reply_body.bytes == "some");
}

TEST_CASE("a head that the tunnel could not carry is not sent") {
    replay_bench b;
    client::replay_changes changes;
    for (int i = 0; i < 5; ++i)
        changes.set.emplace_back("x-" + std::to_string(i), std::string(15'000, 'h'));
    const auto number = b.start(changes);
    REQUIRE(b.ends());
    CHECK(b.found(number).fault == "head_too_large");
    CHECK(b.origin.asked.empty());
}

TEST_CASE("every kind of origin answers a replay: a directory with a file larger than what is kept") {
    const scratch_folder folder;
    folder.write("large.bin", std::string(10'000'000, 'f'));
    client::tunnel_options options;
    options.upstream = client::directory_target(folder.path().string());
    client::tunnel_events events;
    replay_bench b;
    auto directory = client::open_directory_origin(b.runner.loop, options, events);
    REQUIRE(directory);
    client::replay_changes changes;
    changes.path = "/large.bin";
    const auto number = b.start(changes, directory->get());
    REQUIRE(b.ends());
    CHECK(b.found(number).status == 200);
    CHECK(b.found(number).how == recorded::stage::finished);
    CHECK(b.found(number).reply_body.size == 10'000'000);
    CHECK(b.found(number).reply_body.is_cut());
    b.runner.run_once([&] { directory->reset(); });
}
