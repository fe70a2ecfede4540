#include "instatunnel/client/recording.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "catch_outcome.hpp"
#include "recording_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::test;
using client::recorded;
using client::recorded_filter;
using client::recording;
using std::chrono::steady_clock;

namespace {

const auto long_ago = steady_clock::time_point{};  // waits that only look
const auto far_away = [] { return steady_clock::now() + std::chrono::seconds(30); };

std::vector<std::uint64_t> numbers_of(const std::vector<recorded>& all) {
    std::vector<std::uint64_t> numbers;
    for (const auto& r : all)
        numbers.push_back(r.number);
    return numbers;
}

recorded_filter filter_for_path(std::string pattern) {
    recorded_filter f;
    f.set_path(std::move(pattern));
    return f;
}

}  // namespace

TEST_CASE("a request and its reply are recorded as they pass") {
    recorded_session s;
    s.ask("POST", "/hook?id=7", "{\"a\":1}");
    auto r = s.last();
    CHECK(r.number == 1);
    CHECK(r.tunnel == "demo");
    CHECK(r.method == "POST");
    CHECK(r.path == "/hook?id=7");
    CHECK(r.authority == "demo.example.com");
    CHECK(shown(r.fields) == "Accept: */*; x-own: 1; ");
    CHECK(r.body.bytes == "{\"a\":1}");
    CHECK(r.request_ended);
    CHECK(r.how == recorded::stage::open);
    CHECK(r.status == 0);
    CHECK_FALSE(r.first_byte);
    s.answer(201, "made");
    r = s.last();
    CHECK(r.how == recorded::stage::finished);
    CHECK(r.status == 201);
    CHECK(shown(r.reply_fields) == "Content-Type: text/plain; ");
    CHECK(r.reply_body.bytes == "made");
    CHECK(r.fault.empty());
    CHECK(r.ended.value() >= r.first_byte.value());
}

TEST_CASE("a reply that the app writes into the stream's own memory is recorded too") {
    recorded_session s;
    s.ask();
    s.app().stream->send_reply(reply(), 0);
    const auto room = s.app().stream->reserve();
    std::fill_n(room.begin(), 9, 'x');
    s.app().stream->commit(4);
    s.app().stream->commit(5);
    s.app().stream->send_trailers({{"x-sum", "9"}});
    s.pair.settle();
    const auto r = s.last();
    CHECK(r.reply_body.bytes == "xxxxxxxxx");
    CHECK(shown(r.reply_trailers) == "x-sum: 9; ");
    CHECK(r.how == recorded::stage::finished);
}

TEST_CASE("interim heads are hints and not the reply") {
    recorded_session s;
    s.ask();
    s.app().stream->send_reply(reply(103), flag::interim);
    CHECK(s.last().status == 0);
    s.app().stream->send_reply(reply(204), flag::end);
    CHECK(s.last().status == 204);
    CHECK(s.last().how == recorded::stage::finished);
}

TEST_CASE("of an upgraded connection both ways are kept, and the protocol") {
    recorded_session s;
    auto head = request("GET", "/socket");
    head.protocol = "websocket";
    auto& visitor = s.pair.edge.open(head);
    s.pair.settle();
    auto switched = reply(101);
    switched.fields = {{wire::itp::upgrade_field, "websocket"}, {"x-other", "1"}};
    s.app().stream->send_reply(switched, flag::upgraded);
    s.app().stream->write("from the app");
    visitor.stream->write("from the visitor");
    s.pair.settle();
    const auto r = s.last();
    CHECK(r.asked_upgrade == "websocket");
    CHECK(r.upgraded_to == "websocket");
    CHECK(shown(r.reply_fields) == "x-other: 1; ");
    CHECK(r.body.bytes == "from the visitor");
    CHECK(r.reply_body.bytes == "from the app");
    CHECK(r.how == recorded::stage::open);
}

TEST_CASE("what goes wrong says who cut it and why") {
    recorded_session s;
    s.ask();
    s.app().stream->reset(code::origin_unreachable, "localhost:3000");
    s.app().release();
    auto r = s.last();
    CHECK(r.how == recorded::stage::cut);
    CHECK(r.fault == "origin_unreachable");
    CHECK(r.fault_text == "localhost:3000");
    CHECK_FALSE(r.by_visitor);
    CHECK(r.status == 502);

    s.ask().release();
    s.pair.settle();
    r = s.last();
    CHECK(r.how == recorded::stage::cut);
    CHECK(r.fault == "cancelled");
    CHECK(r.by_visitor);
    CHECK(r.status == 0);

    s.ask();
    s.pair.client.session.lose_all_streams({});
    CHECK(s.last().fault == "session_lost");
}

TEST_CASE("a reply that ends before its request is a whole one") {
    recorded_session s;
    s.pair.edge.open(request("POST", "/early"));
    s.pair.settle();
    s.answer(413, "too much");
    const auto r = s.last();
    CHECK(r.how == recorded::stage::finished);
    CHECK(r.status == 413);
    CHECK_FALSE(r.request_ended);
    CHECK(r.fault.empty());
}

TEST_CASE("bodies are kept up to their limit and counted beyond it") {
    recorded_session s({500, 1000, 1 << 20});
    s.ask("POST", "/", std::string(999, 'a'));
    s.answer(200, std::string(40'000, 'b'));
    const auto r = s.last();
    CHECK(r.body.bytes.size() == 999);
    CHECK_FALSE(r.body.is_cut());
    CHECK(r.reply_body.bytes == std::string(1000, 'b'));
    CHECK(r.reply_body.size == 40'000);
    CHECK(r.reply_body.is_cut());
}

TEST_CASE("the oldest request gives way, also one that is under way") {
    recorded_session s({3, 1000, 1 << 20});
    auto& visitor = s.ask("GET", "/first");
    auto& first_app = s.app();
    for (int i = 0; i < 3; ++i) {
        s.ask();
        s.answer();
    }
    CHECK_FALSE(s.record.find(1));
    CHECK(numbers_of(s.record.list({}, 10)) == std::vector<std::uint64_t>{4, 3, 2});
    first_app.stream->send_reply(reply(), 0);
    first_app.stream->write("late");
    first_app.stream->finish();
    s.pair.settle();
    CHECK(visitor.body == "late");
    CHECK(numbers_of(s.record.list({}, 10)) == std::vector<std::uint64_t>{4, 3, 2});
    CHECK(s.record.wait_until_over(1, long_ago, {}));
}

TEST_CASE("beyond the limit of memory the oldest bodies go first") {
    recorded_session s({500, 20'000, 64 * 1024});
    for (int i = 0; i < 5; ++i) {
        s.ask("POST", "/", std::string(10'000, 'q'));
        s.answer(200, std::string(10'000, 'r'));
    }
    CHECK(s.record.find(1)->body.is_dropped);
    CHECK(s.record.find(1)->body.bytes.empty());
    CHECK(s.record.find(1)->body.size == 10'000);
    CHECK(s.record.find(1)->reply_body.is_dropped);
    CHECK_FALSE(s.record.find(5)->body.is_dropped);
    CHECK(s.record.find(5)->reply_body.bytes.size() == 10'000);
    CHECK(s.record.list({}, 100).size() == 5);
}

TEST_CASE("heads alone cannot take more than the limit of memory") {
    recorded_session s({500, 1000, 100 * 1024});
    const std::string long_value(30'000, 'h');
    for (int i = 0; i < 6; ++i) {
        auto head = request();
        head.fields.push_back({"x-long", long_value});
        s.pair.edge.open(head, flag::end);
        s.pair.settle();
        s.answer();
    }
    CHECK(s.record.list({}, 100).size() == 3);
    CHECK(s.record.newest() == 6);
}

TEST_CASE("lists are filtered, the newest first, without what bodies hold") {
    recorded_session s;
    for (const auto* path : {"/a/1", "/b/2", "/a/3?q=1"}) {
        s.ask(path[1] == 'a' ? "POST" : "GET", path, "body");
        s.answer(path[1] == 'a' ? 200 : 404);
    }
    CHECK(numbers_of(s.record.list({}, 2)) == std::vector<std::uint64_t>{3, 2});
    CHECK(numbers_of(s.record.list({}, 9, 1)) == std::vector<std::uint64_t>{3, 2});
    CHECK(numbers_of(s.record.list({}, 9, 0, 3)) == std::vector<std::uint64_t>{2, 1});
    CHECK(numbers_of(s.record.list(filter_for_path("/a"), 9)) == std::vector<std::uint64_t>{3, 1});
    CHECK(numbers_of(s.record.list(filter_for_path("*/3"), 9)) == std::vector<std::uint64_t>{3});
    CHECK(numbers_of(s.record.list(filter_for_path("/a*?q=*"), 9)) == std::vector<std::uint64_t>{3});
    recorded_filter f;
    f.status = wire::status_set::parse("4xx");
    CHECK(numbers_of(s.record.list(f, 9)) == std::vector<std::uint64_t>{2});
    f.method = "POST";
    CHECK(s.record.list(f, 9).empty());
    f = {};
    f.tunnel = "other";
    CHECK(s.record.list(f, 9).empty());
    const auto row = s.record.list({}, 1).front();
    CHECK(row.body.size == 4);
    CHECK(row.body.bytes.empty());
    CHECK(row.fields.empty());
}

TEST_CASE("a wait finds what is there, the oldest first, by its body too") {
    recorded_session s;
    const std::string bodies[] = {R"({"type":"a","data":{"id":1}})", R"({"type":"b","data":{"id":2}})", "no json"};
    for (const auto& body : bodies) {
        s.ask("POST", "/hook", body);
        s.answer();
    }
    const auto first = [&](const recorded_filter& f, std::uint64_t after = 0) {
        const auto found = s.record.wait(f, after, recording::moment::answered, long_ago, {});
        return found ? found->number : 0;
    };
    CHECK(first({}) == 1);
    CHECK(first({}, 1) == 2);
    CHECK(first({}, 3) == 0);
    recorded_filter f;
    f.body_text = "json";
    CHECK(first(f) == 3);
    f = {};
    f.json = {{"/type", "\"b\""}};
    CHECK(first(f) == 2);
    f.json.emplace_back("/data/id", "2");
    CHECK(first(f) == 2);
    f.json.emplace_back("/data/none", "2");
    CHECK(first(f) == 0);
    f.json = {{"/data/0x", "2"}};
    CHECK(first(f) == 0);
}

TEST_CASE("pointers and values that are none are refused") {
    CHECK(recorded_filter::check_json("/a/b~1c", "{\"x\":[1]}"));
    CHECK(recorded_filter::check_json("", "1"));
    CHECK_FALSE(recorded_filter::check_json("a", "1"));
    CHECK_FALSE(recorded_filter::check_json("/a~2", "1"));
    CHECK_FALSE(recorded_filter::check_json("/a", "nonsense"));
}

TEST_CASE("a wait ends when the request has come to the moment that is asked for") {
    recorded_session s;
    const auto number = [&](recording::moment when) {
        const auto found = s.record.wait({}, 0, when, long_ago, {});
        return found ? found->number : 0;
    };
    auto& visitor = s.pair.edge.open(request("POST", "/"));
    visitor.stream->write("half");
    s.pair.settle();
    CHECK(number(recording::moment::received) == 0);
    visitor.stream->finish();
    s.pair.settle();
    CHECK(number(recording::moment::received) == 1);
    CHECK(number(recording::moment::answered) == 0);
    s.app().stream->send_reply(reply(), 0);
    CHECK(number(recording::moment::answered) == 0);
    s.app().stream->finish();
    CHECK(number(recording::moment::answered) == 1);

    s.ask();
    auto events = reply();
    events.fields = {{"content-type", "text/event-stream; charset=utf-8"}};
    s.app().stream->send_reply(events, 0);
    CHECK(s.record.wait({}, 1, recording::moment::answered, long_ago, {})->number == 2);
    CHECK(s.last().is_event_stream);
}

TEST_CASE("a wait is woken by another thread's request, and by its own stop") {
    recorded_session s;
    std::atomic<std::uint64_t> found = 0;
    std::thread waiting([&] {
        recorded_filter f = filter_for_path("/wanted");
        found = s.record.wait(f, 0, recording::moment::answered, far_away(), {}).value().number;
    });
    for (const auto* path : {"/other", "/wanted"}) {
        s.ask("GET", path);
        s.answer();
    }
    waiting.join();
    CHECK(found == 2);

    std::stop_source stop;
    std::thread stopped([&] {
        CHECK_FALSE(s.record.wait({}, 2, recording::moment::answered, far_away(), stop.get_token()));
        s.ask();
        CHECK_FALSE(s.record.wait_until_over(3, far_away(), stop.get_token()));
    });
    stop.request_stop();
    stopped.join();
}

TEST_CASE("readers on other threads see whole requests while new ones come") {
    recorded_session s({50, 1000, 32 * 1024});
    std::atomic<bool> is_over = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!is_over) {
                for (const auto& row : s.record.list({}, 10))
                    if (const auto r = s.record.find(row.number))
                        if (r->method != "POST" ||
                            (!r->body.is_dropped && r->how == recorded::stage::finished && r->body.bytes.size() != 100))
                            ++wrong;
                s.record.wait({}, s.record.newest(), recording::moment::answered, long_ago, {});
            }
        });
    for (int i = 0; i < 500; ++i) {
        s.ask("POST", "/", std::string(100, 'x'));
        s.answer();
    }
    is_over = true;
    for (auto& reader : readers)
        reader.join();
    CHECK(wrong == 0);
    CHECK(s.record.newest() == 500);
}

TEST_CASE("a stream may outlive the recording that heard of it") {
    session_pair pair;
    {
        recording record;
        pair.client.on_each_open = [&](engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) {
            s.set_tap(record.tap("demo", head, flags));
        };
        pair.edge.open(request("POST", "/"));
        pair.settle();
    }
    pair.edge.last().stream->write("nobody hears this");
    pair.edge.last().stream->finish();
    pair.settle();
    pair.client.last().stream->send_reply(reply(), flag::end);
    pair.client.last().release();
    pair.settle();
    CHECK(pair.edge.last().told.find("head 200;end;") != std::string::npos);
    pair.edge.last().release();
}

TEST_CASE("ids of requests are written and read") {
    CHECK(client::request_id(12) == "req_12");
    CHECK(client::parse_request_id("req_12") == 12u);
    CHECK(client::parse_request_id("req_0") == 0u);
    for (const auto* bad : {"", "12", "req_", "req_x", "req_1x", "req_-1", "req_99999999999999999999", "REQ_1"})
        CHECK_FALSE(client::parse_request_id(bad));
}
