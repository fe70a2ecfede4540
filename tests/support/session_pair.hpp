#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/engine/session.hpp"

/// Both ends of a tunnel session without a network: two sessions joined by strings, on a clock that stands still. The
/// test decides when bytes travel and in which pieces, and may speak for one of the peers itself.
namespace instatunnel::test {

namespace flag = wire::itp::flag;
using engine::code;
using wire::itp::frame_type;

struct sent_frame {
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
    std::string payload;

    bool is(frame_type t) const { return type == static_cast<std::uint8_t>(t); }
};

inline std::string frame(frame_type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    std::string bytes;
    wire::itp::append_frame(bytes, type, flags, stream, payload);
    return bytes;
}

inline std::string preface() {
    const auto bytes = wire::itp::encode_preface(1, 1);
    return {bytes.data(), bytes.size()};
}

inline std::string credit_entry(std::uint32_t stream, std::uint32_t bytes) {
    std::string entry(8, '\0');
    wire::itp::put_u32(entry.data(), stream);
    wire::itp::put_u32(entry.data() + 4, bytes);
    return entry;
}

/// Frames behind the preface; what is cut at the end is left out.
inline std::vector<sent_frame> frames_of(std::string_view bytes) {
    std::vector<sent_frame> found;
    if (bytes.starts_with("INSTUN")) bytes.remove_prefix(std::min(bytes.size(), wire::itp::preface_size));
    while (bytes.size() >= wire::itp::frame_header_size) {
        const auto h = wire::itp::decode_frame_header(bytes.data());
        if (bytes.size() < wire::itp::frame_header_size + h.length) break;
        found.push_back({h.type, h.flags, h.stream, std::string(bytes.substr(wire::itp::frame_header_size, h.length))});
        bytes.remove_prefix(wire::itp::frame_header_size + h.length);
    }
    return found;
}

inline std::size_t count_of(const std::vector<sent_frame>& frames, frame_type type) {
    return static_cast<std::size_t>(std::ranges::count_if(frames, [type](const sent_frame& f) { return f.is(type); }));
}

inline wire::itp::open_head request(std::string_view method = "GET", std::string_view path = "/") {
    wire::itp::open_head head;
    head.tunnel = 1;
    head.request_id = 7;
    head.method = method;
    head.authority = "demo.example.com";
    head.path = path;
    head.fields = {{"Accept", "*/*"}, {"x-own", "1"}};
    return head;
}

inline wire::itp::reply_head reply(std::uint16_t status = 200) {
    wire::itp::reply_head head;
    head.status = status;
    head.fields = {{"Content-Type", "text/plain"}};
    return head;
}

/// The owner of one stream: writes down what it is told, consumes at once and releases on reset, unless told otherwise.
class stream_owner final : public engine::stream_events {
public:
    engine::stream* stream = nullptr;  ///< null once released
    std::string told;                  ///< "head 200;data;end;" – DATA frames in a row count once
    std::string body;
    std::uint8_t last_flags = 0;
    std::vector<std::pair<std::string, std::string>> fields;  ///< of the last head, or trailers
    bool consumes = true;
    code reset_code = code::ok;
    std::vector<std::uint64_t> seen_sent;  ///< bytes_sent() at each on_progress
    std::function<void(stream_owner&)> on_each_head, on_each_data, on_each_drained, on_the_end, on_the_reset;

    void release() {
        if (stream != nullptr) std::exchange(stream, nullptr)->release();
    }
    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override {
        told += "head " + std::to_string(head.status) + ";";
        last_flags = flags;
        keep(head.fields);
        if (on_each_head) on_each_head(*this);
    }
    void on_data(engine::stream& s, std::string_view bytes) override {
        if (!told.ends_with("data;")) told += "data;";
        body += bytes;
        if (consumes) s.consumed(bytes.size());
        if (on_each_data) on_each_data(*this);
    }
    void on_trailers(engine::stream&, const std::vector<wire::field>& trailers) override {
        told += "trailers;";
        keep(trailers);
    }
    void on_end(engine::stream&) override {
        told += "end;";
        if (on_the_end) on_the_end(*this);
    }
    void on_reset(engine::stream&, code why, std::string_view text) override {
        told += "reset " + std::string(wire::itp::code_name(why)) + (text.empty() ? "" : " ") + std::string(text) + ";";
        reset_code = why;
        if (on_the_reset) on_the_reset(*this);
        release();
    }
    void on_stop(engine::stream&) override { told += "stop;"; }
    void on_drained(engine::stream&) override {
        told += "drained;";
        if (on_each_drained) on_each_drained(*this);
    }
    void on_progress(engine::stream& s) override { seen_sent.push_back(s.bytes_sent()); }
    void on_accepted(engine::stream&) override { told += "accepted;"; }

    void keep(const std::vector<wire::field>& all) {
        fields.clear();
        for (const auto& f : all)
            fields.emplace_back(f.name, f.value);
    }
};

/// One session with everything around it recorded.
class session_end final : public engine::session_output, public engine::session_events {
public:
    explicit session_end(engine::role role, engine::session_limits limits = {})
        : session(role, *this, *this, chunks, limits) {
        session.start();
    }

    std::vector<std::unique_ptr<stream_owner>> owners;  ///< of streams that the peer opened too; outlive the session
    std::vector<std::string> opened;                    ///< "GET /path" of streams the peer opened
    std::string told;  ///< of the session: "hello {…};", "violation protocol: rule;" …
    code violation = code::ok;
    std::string wire;  ///< written and not yet delivered
    bool flush_wanted = false;
    std::function<void(engine::stream&, const wire::itp::open_head&, std::uint8_t)> on_each_open;
    engine::chunk_pool chunks;
    engine::session session;

    stream_owner& open(const wire::itp::open_head& head, std::uint8_t flags = 0) {
        auto& owner = *owners.emplace_back(std::make_unique<stream_owner>());
        owner.stream = session.open(head, flags, owner);
        return owner;
    }
    stream_owner& last() { return *owners.back(); }

    void flush() {
        while (std::exchange(flush_wanted, false)) {
            session.flush();
            if (wire.size() >= engine::session::lane_high_water) break;
        }
    }
    /// Everything written so far, taken off the lane.
    std::string take() {
        flush();
        std::string all;
        while (!wire.empty()) {
            all += std::exchange(wire, {});
            session.flush();
        }
        return all;
    }
    std::vector<sent_frame> take_frames() { return frames_of(take()); }

    void write(std::string_view bytes) override { wire += bytes; }
    std::size_t queued() const override { return wire.size(); }
    void request_flush() override { flush_wanted = true; }

    void on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) override {
        opened.push_back(std::string(head.method) + " " + std::string(head.path));
        auto& owner = *owners.emplace_back(std::make_unique<stream_owner>());
        owner.stream = &s;
        owner.last_flags = flags;
        owner.keep(head.fields);
        s.set_events(owner);
        if (on_each_open) on_each_open(s, head, flags);
    }
    void on_hello(std::string_view json) override { told += "hello " + std::string(json) + ";"; }
    void on_welcome(std::string_view json) override { told += "welcome " + std::string(json) + ";"; }
    void on_ctrl(std::string_view json) override { told += "ctrl " + std::string(json) + ";"; }
    void on_goaway(code why, std::string_view text) override { tell("goaway", why, text); }
    void on_peer_error(code why, std::string_view text) override { tell("error", why, text); }
    void on_violation(code why, std::string_view rule) override {
        violation = why;
        tell("violation", why, rule);
    }

private:
    void tell(std::string_view what, code why, std::string_view text) {
        told += std::string(what) + " " + std::string(wire::itp::code_name(why)) + ": " + std::string(text) + ";";
    }
};

class session_pair {
public:
    explicit session_pair(engine::session_limits limits = {})
        : edge(engine::role::edge, limits), client(engine::role::client, limits) {}

    session_end edge;
    session_end client;
    engine::time_point now{std::chrono::hours(1)};
    std::size_t piece = std::string::npos;  ///< bytes a delivery
    std::chrono::microseconds one_way{0};

    /// Moves what one end has written to the other. False: there was nothing.
    bool deliver(session_end& from, session_end& to) {
        from.flush();
        if (from.wire.empty()) return false;
        const auto bytes = std::exchange(from.wire, {});
        from.session.flush();
        now += one_way;
        for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at))
            if (!to.session.receive(std::string_view(bytes).substr(at, piece), now)) break;
        return true;
    }
    /// Until nothing moves any more.
    void settle() {
        for (bool moved = true; moved;) {
            moved = deliver(edge, client);
            moved = deliver(client, edge) || moved;
        }
    }
    bool is_empty() const { return edge.session.open_streams() == 0 && client.session.open_streams() == 0; }
};

/// One session whose peer is the test.
class scripted_peer {
public:
    explicit scripted_peer(engine::role tested, engine::session_limits limits = {}) : end(tested, limits) {
        end.take();
        send(preface());
    }
    session_end end;
    engine::time_point now{std::chrono::hours(1)};

    bool send(std::string_view bytes) { return end.session.receive(bytes, now); }
    bool send(frame_type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
        return send(frame(type, flags, stream, payload));
    }
    bool send_open(std::uint32_t stream, std::uint8_t flags = 0) {
        std::string payload;
        wire::itp::encode_open(payload, request());
        return send(frame_type::open, flags, stream, payload);
    }
    bool send_head(std::uint32_t stream, std::uint8_t flags = 0, std::uint16_t status = 200) {
        std::string payload;
        wire::itp::encode_reply(payload, reply(status));
        return send(frame_type::head, flags, stream, payload);
    }
};

}  // namespace instatunnel::test
