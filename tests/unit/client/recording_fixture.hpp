#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/client/recording.hpp"
#include "instatunnel/client/replay.hpp"
#include "session_pair.hpp"

namespace instatunnel::test {

/// A tunnel's session whose streams are recorded, and the edge at its other end.
struct recorded_session {
    explicit recorded_session(client::recording::limits l = {}) : record(l) {
        pair.client.on_each_open = [this](engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) {
            s.set_tap(record.tap("demo", head, flags));
        };
    }
    ~recorded_session() {
        for (auto* side : {&pair.edge, &pair.client})
            for (auto& owner : side->owners)
                owner->release();
    }

    /// A whole request; the visitor's end of it.
    stream_owner& ask(std::string_view method = "GET", std::string_view path = "/", std::string_view body = {}) {
        auto& visitor = pair.edge.open(request(method, path), body.empty() ? flag::end : std::uint8_t{0});
        if (!body.empty()) {
            visitor.stream->write(body);
            visitor.stream->finish();
        }
        pair.settle();
        return visitor;
    }
    stream_owner& app() { return pair.client.last(); }
    void answer(std::uint16_t status = 200, std::string_view body = "ok") {
        app().stream->send_reply(reply(status), 0);
        app().stream->write(body);
        app().stream->finish();
        app().release();
        pair.settle();
    }
    client::recorded last() { return record.find(record.newest()).value(); }

    client::recording record;
    session_pair pair;
};

inline std::string shown(const std::vector<client::recorded_field>& fields) {
    std::string all;
    for (const auto& f : fields)
        all += f.name + ": " + f.value + "; ";
    return all;
}

}  // namespace instatunnel::test
