#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/wire/itp_frame.hpp"
#include "invariant.hpp"

using namespace instatunnel;
using instatunnel::fuzz::require;
using wire::itp::code;

namespace {

// A peer sends what the fuzzer likes to a session whose streams are handled by whim, which comes from the same bytes.
class harness final : public engine::session_output, public engine::session_events, public engine::stream_events {
public:
    harness(engine::role role, std::string_view whims)
        : role_(role), whims_(whims), session_(role, *this, *this, chunks_, limits()) {}

    void run(std::string_view input, std::size_t piece) {
        session_.start();
        flush();
        for (int i = 0; i < 3; ++i)
            open();
        engine::time_point now{std::chrono::hours(1)};
        bool alive = true;
        for (std::size_t at = 0; alive && at < input.size(); at += piece) {
            fuzz::exact_copy part(input.substr(at, piece));
            alive = session_.receive(part.view(), now);
            require(alive != over_, "receive says whether the session goes on");
            now += std::chrono::milliseconds(10);
            if (alive && !session_.check_alive(now)) require(false, "a peer that talks is alive");
            for (std::size_t i = 0; i < streams_.size(); ++i)
                act(streams_[i]);
            flush();
        }
        require(!over_ || !session_.receive("x", now), "nothing is read after the end");
        require(session_.open_streams() >= streams_.size(), "open streams are counted");
        require(session_.open_streams() <= limits().max_streams, "streams are bounded");
        session_.lose_all_streams("over");
        // Left are those that we reset ourselves: nobody tells us of them.
        while (!streams_.empty()) {
            require(streams_.back()->is_dead(), "every stream is told of the end");
            let_go(streams_.back());
        }
        require(session_.open_streams() == 0, "no stream is left");
        flush();
        check_output();
    }

private:
    static engine::session_limits limits() {
        engine::session_limits l;
        l.max_streams = 8;
        return l;
    }

    unsigned whim() {
        if (whims_.empty()) return 0;
        next_whim_ = (next_whim_ + 1) % whims_.size();
        return static_cast<unsigned char>(whims_[next_whim_]);
    }

    void open() {
        if (role_ != engine::role::edge) return;
        wire::itp::open_head head;
        head.method = "POST";
        head.path = "/";
        if (auto* s = session_.open(head, 0, *this)) streams_.push_back(s);
    }

    void let_go(engine::stream* s) {
        std::erase(streams_, s);
        s->release();
    }

    void act(engine::stream* s) {
        static const std::string block(20'000, 'b');
        switch (whim() % 24) {
            case 0:
                return let_go(s);
            case 1:
                return s->reset(code::cancelled, "whim");
            case 2:
                return s->finish();
            case 3:
                return s->send_trailers({{"x-sum", "1"}});
            case 4:
                return s->write(block);
            case 5:
                return s->write("message", /*push=*/true);
            case 6: {
                const auto room = s->reserve();
                const auto n = std::min<std::size_t>(room.size(), whim() * 64);
                std::fill_n(room.data(), n, 'r');
                return s->commit(n);
            }
            case 7:
                return s->accept();
            case 8:
                return s->send_reply({200, -1, {{"Server", "x"}}}, 0);
            case 9:
                return open();
            default:
                return;
        }
    }

    void on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t) override {
        if (head.kind == wire::itp::stream_kind::http)
            require(wire::is_token(head.method) && !head.path.empty(), "a request has a method and a path");
        streams_.push_back(&s);
        s.set_events(*this);
        act(&s);
    }
    void on_peer_error(code, std::string_view) override { over_ = true; }
    void on_violation(code, std::string_view rule) override {
        require(!rule.empty(), "a violation names its rule");
        require(!over_, "a session ends once");
        over_ = violated_ = true;
        // Output that is due may not follow the ERROR.
        for (std::size_t i = 0; i < streams_.size(); ++i)
            streams_[i]->write("too late");
    }

    void on_head(engine::stream& s, const wire::itp::reply_head& head, std::uint8_t) override {
        require(head.status >= 100 && head.status <= 999, "a status has three digits");
        told(s);
    }
    void on_data(engine::stream& s, std::string_view bytes) override {
        require(!bytes.empty() && bytes.size() <= wire::itp::default_max_frame, "data comes in frames");
        if (whim() % 2 == 0) s.consumed(bytes.size());
        told(s);
    }
    void on_trailers(engine::stream& s, const std::vector<wire::field>&) override { told(s); }
    void on_end(engine::stream& s) override {
        require(s.receive_finished(), "the end is the end");
        told(s);
    }
    void on_stop(engine::stream& s) override { told(s); }
    void on_accepted(engine::stream& s) override { told(s); }
    void on_drained(engine::stream& s) override { told(s); }
    void on_reset(engine::stream& s, code, std::string_view text) override {
        require(s.is_dead() && text.size() <= 1024, "a reset kills");
        require(std::ranges::count(streams_, &s) == 1, "only streams that were not let go are told");
        let_go(&s);
    }
    void told(engine::stream& s) {
        require(std::ranges::count(streams_, &s) == 1, "only streams that were not let go are told");
        act(&s);
    }

    void write(std::string_view bytes) override { output_ += bytes; }
    std::size_t queued() const override { return output_.size() - taken_; }
    void request_flush() override { flush_due_ = true; }
    void flush() {
        for (int i = 0; flush_due_ && i < 100; ++i) {
            flush_due_ = false;
            session_.flush();
        }
        require(!flush_due_, "a flush comes to rest");
        if (whim() % 2 == 0) taken_ = output_.size();
    }

    void check_output() const {
        std::string_view rest = output_;
        require(rest.size() >= wire::itp::preface_size, "the preface comes first");
        rest.remove_prefix(wire::itp::preface_size);
        bool error_seen = false;
        while (!rest.empty()) {
            require(rest.size() >= wire::itp::frame_header_size, "output is whole frames");
            require(!error_seen, "ERROR is the last frame");
            const auto h = wire::itp::decode_frame_header(rest.data());
            const std::size_t whole = wire::itp::frame_header_size + h.length;
            require(h.length <= wire::itp::default_max_frame && rest.size() >= whole, "output is whole frames");
            error_seen = h.type == static_cast<std::uint8_t>(wire::itp::frame_type::error);
            rest.remove_prefix(whole);
        }
        require(error_seen == violated_, "a violation, and nothing else, is answered with ERROR");
    }

    engine::role role_;
    std::string_view whims_;
    std::size_t next_whim_ = 0;
    std::vector<engine::stream*> streams_;
    std::string output_;
    std::size_t taken_ = 0;
    bool flush_due_ = false;
    bool over_ = false;
    bool violated_ = false;
    engine::chunk_pool chunks_;
    engine::session session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::steered_input input(data, size);
    std::string bytes;
    // Without it the fuzzer would spend its time on the preface.
    if (input.option(1)) {
        const auto preface = wire::itp::encode_preface(1, 1);
        bytes.assign(preface.data(), preface.size());
    }
    bytes += input.text;
    const std::size_t piece = input.piece() == 32 ? std::max<std::size_t>(bytes.size(), 1) : input.piece();
    harness(input.option(0) ? engine::role::edge : engine::role::client, input.text).run(bytes, piece);
    return 0;
}
