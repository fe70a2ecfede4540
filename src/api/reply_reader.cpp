#include "reply_reader.hpp"

#include "instatunnel/base/clock.hpp"
#include "instatunnel/wire/http1.hpp"
#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

constexpr int max_interim_answers = 8;

class reply_reader {
public:
    reply_reader(https_connection& connection, std::string_view method, const std::string& server, std::size_t max_body)
        : connection_(connection), method_(method), server_(server), max_body_(max_body) {}

    outcome<http_reply> read() {
        for (int interim = 0; interim <= max_interim_answers; ++interim) {
            auto got = read_head();
            if (got && head_.status == 101) return unusable("changes the protocol, which nobody asked for");
            if (got && head_.status >= 200) got = read_body();
            if (!got) return got.error();
            if (head_.status >= 200) return std::move(reply_);
        }
        return unusable("never comes to its end");
    }

private:
    failure unusable(std::string_view how) const {
        return {errc::unexpected_reply, "The answer of " + server_ + " " + std::string(how)};
    }

    outcome<std::size_t> read_more() {
        char block[16384];
        auto n = connection_.read(block, sizeof block);
        if (n) input_.append({block, *n});
        return n;
    }

    outcome<void> read_head() {
        std::size_t seen = 0;
        for (;;) {
            const auto parsed =
                wire::parse_response_head(input_.data(), input_.size(), seen, method_, wire::http1_limits{}, head_);
            if (parsed.status == wire::parse_status::invalid) return unusable("is not valid HTTP");
            if (parsed.status == wire::parse_status::done) {
                reply_.status = head_.status;
                reply_.fields.clear();
                for (const auto& field : head_.fields)
                    reply_.fields.emplace_back(field.name, field.value);
                input_.drop(parsed.consumed);
                return {};
            }
            seen = input_.size();
            auto n = read_more();
            if (!n) return n.error();
            if (*n == 0) return unusable("ends before it is complete");
        }
    }

    outcome<void> read_body() {
        outcome<void> done;
        switch (head_.body) {
            case wire::body_kind::none:
                return done;
            case wire::body_kind::length:
                done = read_length();
                break;
            case wire::body_kind::chunked:
                done = read_chunks();
                break;
            case wire::body_kind::until_close:
                done = read_until_close();
                break;
        }
        reply_.body = body_.take();
        return done;
    }

    failure too_large() const { return unusable("is larger than " + to_human_bytes(max_body_)); }

    outcome<void> read_length() {
        if (head_.content_length > max_body_) return too_large();
        while (input_.size() < head_.content_length) {
            auto n = read_more();
            if (!n) return n.error();
            if (*n == 0) return unusable("ends before it is complete");
        }
        body_.append(input_.view().substr(0, static_cast<std::size_t>(head_.content_length)));
        return {};
    }

    outcome<void> read_until_close() {
        for (;;) {
            if (input_.size() > max_body_) return too_large();
            auto n = read_more();
            if (!n) return n.error();
            if (*n == 0) break;
        }
        body_.append(input_.view());
        return {};
    }

    outcome<void> read_chunks() {
        using event = wire::chunked_decoder::event;
        wire::chunked_decoder decoder;
        for (;;) {
            const auto step = decoder.next(input_.view());
            if (step.what == event::data) {
                if (body_.size() + step.data.size() > max_body_) return too_large();
                body_.append(step.data);
            }
            input_.drop(step.consumed);
            if (step.what == event::done) return {};
            if (step.what == event::invalid) return unusable("is not valid HTTP");
            if (step.what == event::need_more) {
                auto n = read_more();
                if (!n) return n.error();
                if (*n == 0) return unusable("ends before it is complete");
            }
        }
    }

    https_connection& connection_;
    std::string_view method_;
    const std::string& server_;
    std::size_t max_body_;
    wiped_buffer input_;
    wiped_buffer body_;
    wire::response_head head_;
    http_reply reply_;
};

}  // namespace

outcome<http_reply> read_reply(https_connection& connection, std::string_view method, const std::string& server,
                               std::size_t max_body) {
    return reply_reader(connection, method, server, max_body).read();
}

}  // namespace instatunnel::api
