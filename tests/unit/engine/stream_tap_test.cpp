#include "instatunnel/engine/stream_tap.hpp"

#include <catch2/catch.hpp>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

// Writes down what it hears.
class listening_tap final : public engine::stream_tap {
public:
    explicit listening_tap(std::string& heard) : heard_(heard) {}
    ~listening_tap() override { heard_ += "gone;"; }

    void on_request_data(std::string_view bytes) override { heard_ += "<" + std::string(bytes) + ";"; }
    void on_request_trailers(const std::vector<wire::field>& fields) override { tell("<trailers", fields); }
    void on_request_end() override { heard_ += "<end;"; }
    void on_reply_head(const wire::itp::reply_head& head, std::uint8_t) override {
        heard_ += ">head " + std::to_string(head.status) + ";";
    }
    void on_reply_data(std::string_view bytes) override { heard_ += ">" + std::string(bytes) + ";"; }
    void on_reply_trailers(const std::vector<wire::field>& fields) override { tell(">trailers", fields); }
    void on_reply_end() override { heard_ += ">end;"; }
    void on_reset(side by, code why, std::string_view) override {
        heard_ += (by == side::peer ? "<reset " : ">reset ") + std::string(wire::itp::code_name(why)) + ";";
    }

private:
    void tell(const char* what, const std::vector<wire::field>& fields) {
        heard_ += what;
        for (const auto& f : fields)
            heard_ += " " + std::string(f.name);
        heard_ += ";";
    }
    std::string& heard_;
};

struct tapped_pair : session_pair {
    std::string heard;
    tapped_pair() {
        client.on_each_open = [this](engine::stream& s, const wire::itp::open_head&, std::uint8_t) {
            s.set_tap(std::make_unique<listening_tap>(heard));
        };
    }
};

}  // namespace

TEST_CASE("a tap hears both directions in the order in which they were meant, and goes with its stream") {
    tapped_pair p;
    auto& visitor = p.edge.open(request("POST", "/"));
    visitor.stream->write("question");
    visitor.stream->send_trailers({{"x-sum", "1"}});
    p.settle();
    auto& app = p.client.last();
    app.stream->send_reply(reply(103), flag::interim);
    app.stream->send_reply(reply(200), 0);
    app.stream->write("answer");
    const auto room = app.stream->reserve();
    room[0] = '!';
    app.stream->commit(1);
    app.stream->finish();
    CHECK(p.heard == "<question;<trailers x-sum;<end;>head 103;>head 200;>answer;>!;>end;");
    p.settle();
    app.release();
    visitor.release();
    p.settle();
    CHECK(p.is_empty());
    CHECK(p.heard.ends_with(">end;gone;"));
}

TEST_CASE("what waits for credit is heard once, when it is written") {
    tapped_pair p;
    auto& visitor = p.edge.open(request(), flag::end);
    visitor.consumes = false;
    p.settle();
    auto& app = p.client.last();
    app.stream->send_reply(reply(), 0);
    const std::string large(500'000, 'x');
    app.stream->write(large);
    p.settle();
    CHECK(static_cast<std::size_t>(std::ranges::count(p.heard, 'x')) == large.size());
    app.release();
    visitor.release();
    p.settle();
}

TEST_CASE("a tap hears who reset a stream, and nothing that comes after") {
    tapped_pair p;
    auto& visitor = p.edge.open(request("POST", "/"));
    p.settle();
    visitor.stream->reset(code::cancelled, {});
    visitor.release();
    p.settle();
    CHECK(p.heard == "<reset cancelled;gone;");

    p.heard.clear();
    p.edge.open(request("POST", "/"));
    p.settle();
    auto& app = p.client.last();
    app.stream->reset(code::origin_reset, {});
    app.stream->write("late");
    app.stream->finish();
    app.release();
    p.settle();
    CHECK(p.heard == ">reset origin_reset;gone;");

    p.heard.clear();
    p.edge.open(request("POST", "/"));
    p.settle();
    p.client.session.lose_all_streams({});
    CHECK(p.heard == "<reset session_lost;gone;");
}
