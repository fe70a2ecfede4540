#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/http2_session.hpp"
#include "instatunnel/wire/itp_head.hpp"
#include "invariant.hpp"

using namespace instatunnel;
using namespace instatunnel::edge;
using instatunnel::fuzz::require;

namespace {

constexpr std::size_t most_held = 64 * 1024;

class harness;

// A stream whose owner answers by whim.
class fuzzed_stream final : public http2_stream {
public:
    fuzzed_stream(harness& owner, unsigned whim) : owner_(owner), whim_(whim) {}
    void answer(bool ended);
    void more();
    bool is_closed() const noexcept { return closed_; }

private:
    void on_body(std::string_view bytes) override;
    void on_body_end(std::vector<wire::field>& trailers) override;
    void on_taken(std::size_t bytes, bool) override {
        require(bytes <= written_, "no more is taken than was written");
        written_ -= bytes;
    }
    void on_reply_left() override;
    void on_closed(std::uint32_t) override {
        require(!closed_, "a stream ends once");
        closed_ = true;
    }

    harness& owner_;
    unsigned whim_;
    std::size_t written_ = 0;
    bool answered_ = false;
    bool finished_ = false;
    bool closed_ = false;
};

// A visitor sends what the fuzzer likes.
class harness final : public http2_owner {
public:
    explicit harness(std::string_view whims) : whims_(whims), session_(*this, limits_, head_limits_) {}

    void run(std::string_view input, std::size_t piece) {
        session_.flush();
        bool alive = true;
        for (std::size_t at = 0; alive && at < input.size(); at += piece) {
            fuzz::exact_copy part(input.substr(at, piece));
            alive = session_.receive(part.view());
            require(alive != session_.is_over(), "receive says whether the session goes on");
            congested_ = whim() % 8 == 0;
            now_ += std::chrono::milliseconds(1);
            for (std::size_t i = 0; i < streams_.size(); ++i)
                if (!streams_[i]->is_closed()) streams_[i]->more();
            session_.flush();
            std::erase_if(streams_, [](const auto& s) { return s->is_closed(); });
            require(streams_.size() <= limits_.streams, "streams are bounded");
        }
        congested_ = false;
        session_.terminate(0);
        require(session_.is_over(), "termination is the end");
    }

    http2_session& session() { return session_; }
    unsigned whim() {
        if (whims_.empty()) return 0;
        at_ = (at_ + 1) % whims_.size();
        return static_cast<unsigned char>(whims_[at_]);
    }
    wire::request_head head;

private:
    void write(std::string_view bytes) override { require(bytes.size() <= 1 << 20, "writes are of frames"); }
    bool is_congested() const override { return congested_; }
    auth::steady_time now() const override { return now_; }
    void request_flush() override {}
    http2_stream* on_request() override {
        if (whim() % 16 == 1) return nullptr;
        streams_.push_back(std::make_unique<fuzzed_stream>(*this, whim()));
        return streams_.back().get();
    }
    void on_head(http2_stream& s, http2_head& section, bool ended) override {
        const auto verdict = section.finish(ended, head_limits_, head);
        if (verdict == http2_head::verdict::good) check_travels();
        static_cast<fuzzed_stream&>(s).answer(ended);
    }
    // What is good here must be good on the lane, where a malformed head would end the tunnel for everybody.
    void check_travels() {
        wire::itp::open_head open, back;
        open.method = head.method;
        open.authority = head.authority;
        open.path = head.path;
        open.protocol = head.upgrade;
        for (const auto& f : head.fields)
            if (!wire::is_hop_by_hop(f.name) && f.name.size() <= 255) open.fields.push_back(f);
        std::string payload;
        wire::itp::encode_open(payload, open);
        require(head.method.size() > 255 || wire::itp::decode_open(payload, back), "a good head can travel");
    }

    http2_limits limits_;
    wire::http1_limits head_limits_;
    std::string_view whims_;
    std::size_t at_ = 0;
    bool congested_ = false;
    auth::steady_time now_{std::chrono::hours(1)};
    std::vector<std::unique_ptr<fuzzed_stream>> streams_;
    http2_session session_;
};

void fuzzed_stream::answer(bool ended) {
    if (whim_ % 4 == 0 || (!ended && whim_ % 2 == 0)) return;
    auto& fields = owner_.session().fresh_fields();
    fields.push_back(http2_field(":status", whim_ % 3 == 0 ? "103" : "200"));
    fields.push_back(http2_field("X-Answer", "yes"));
    if (whim_ % 3 == 0) return owner_.session().send_interim(*this, fields);
    answered_ = true;
    finished_ = whim_ % 5 == 0;
    owner_.session().send_head(*this, fields, finished_);
}

void fuzzed_stream::more() {
    const auto what = owner_.whim();
    if (what % 31 == 0) return owner_.session().reset(*this, 8);
    if (!answered_) {
        whim_ = what;
        return answer(true);
    }
    if (finished_) return;
    if (what % 7 == 0) {
        finished_ = true;
        if (what % 2 == 0) owner_.session().add_trailer(*this, "X-Sum", "1");
        return owner_.session().finish(*this);
    }
    if (held() > most_held) return;
    const std::string bytes(what * 64, 'b');
    written_ += bytes.size();
    owner_.session().send(*this, bytes, what % 2 == 0);
}

void fuzzed_stream::on_body(std::string_view bytes) {
    require(!closed_, "a closed stream gets no body");
    owner_.session().consume(id(), bytes.size());
    if (whim_ % 13 == 0) owner_.session().grow_window(id(), 128 * 1024);
}

void fuzzed_stream::on_body_end(std::vector<wire::field>& trailers) {
    for (const auto& f : trailers)
        require(wire::is_token(f.name) && wire::is_field_value(f.value), "trailers are valid");
}

void fuzzed_stream::on_reply_left() {
    if (whim_ % 2 == 0) owner_.session().reset(*this, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::steered_input input(data, size);
    // Most inputs should get beyond the preface.
    std::string text;
    if (!input.option(0)) text.assign("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    text += input.text;
    harness h(input.text);
    h.run(text, input.option(1) ? text.size() : input.piece());
    return 0;
}
