// The way back: what the app answers, on its way to the visitor.

#include <algorithm>
#include <charconv>

#include "exchange.hpp"
#include "instatunnel/base/names.hpp"
#include "upstream_connection.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

constexpr wire::http1_limits reply_limits{};
constexpr unsigned max_interim_heads = 32;

}  // namespace

void exchange::on_upstream_readable() {
    for (std::size_t turn_bytes = 0; stream_ != nullptr && conn_ != nullptr;) {
        if (reply_ == reply::upgraded && stream_->send_finished()) return read_past_end();
        paused_ = stream_->is_congested();
        if (paused_) return;
        const bool is_plain = reply_ == reply::length || reply_ == reply::until_close || reply_ == reply::upgraded;
        if (is_plain && !looks_into_reply()) return read_body_directly();
        const auto space = up_.loop().scratch();
        const auto got = conn_->bytes().read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data)
            return upstream_ended(got.status == net::read_status::end ? ending::clean : ending::broken);
        auto* const same = stream_;
        if (reply_ == reply::head)
            handle_head(space.data(), got.size);
        else if (reply_ == reply::chunked)
            handle_chunked({space.data(), got.size});
        else
            handle_body({space.data(), got.size});
        if (stream_ != same || conn_ == nullptr) return;
        if (got.drained) return;
        turn_bytes += got.size;
        // Interim heads use up no credit: an app that sends them as fast as they are read would hold the loop for ever.
        if (turn_bytes >= net::event_loop::scratch_size) return conn_->bytes().resume_reading();
    }
}

// Bodies without a coding of their own: from the socket into the frame's memory, nothing in between.
void exchange::read_body_directly() {
    for (std::size_t turn_bytes = 0; !stream_->is_congested();) {
        auto room = stream_->reserve();
        if (room.empty()) return fail(code::cancelled, {});
        if (reply_ == reply::length)
            room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), reply_left_)));
        const auto got = conn_->bytes().read(room.data(), room.size());
        stream_->commit(got.status == net::read_status::data ? got.size : 0);
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data)
            return upstream_ended(got.status == net::read_status::end ? ending::clean : ending::broken);
        if (reply_ == reply::length) {
            reply_left_ -= got.size;
            if (reply_left_ == 0) return reply_complete();
        }
        if (got.drained) return;
        turn_bytes += got.size;
        // Other sockets have their turn; this one is not forgotten.
        if (turn_bytes >= net::event_loop::scratch_size) return conn_->bytes().resume_reading();
    }
    paused_ = true;
}

bool exchange::handle_head(char* data, std::size_t size) {
    // The common case is a whole head in one read, parsed where it lies.
    const bool gathered = !input_.empty();
    if (gathered) {
        input_.append(data, size);
        data = input_.data();
        size = input_.size();
    }
    while (size != 0 && reply_ == reply::head) {
        const auto parsed = wire::parse_response_head(data, size, head_seen_, method_, reply_limits, up_.response);
        if (parsed.status == wire::parse_status::invalid) {
            fail(code::origin_bad_response, parsed.reason);
            return false;
        }
        if (parsed.status == wire::parse_status::incomplete) {
            head_seen_ = size;
            if (data != input_.data()) input_.assign(data, size);
            return true;
        }
        head_seen_ = 0;
        data += parsed.consumed;
        size -= parsed.consumed;
        // Bytes behind a reply that has no body would be taken for the next one.
        const bool bodiless = up_.response.body == wire::body_kind::none ||
                              (up_.response.body == wire::body_kind::length && up_.response.content_length == 0);
        if (size != 0 && bodiless && up_.response.status >= 200) up_.response.keep_alive = false;
        if (up_.response.status < 200 && up_.response.status != 101)
            handle_interim(up_.response);
        else
            begin_reply(up_.response);
        if (stream_ == nullptr) return false;
        if (gathered && reply_ == reply::head) {
            input_.erase(0, input_.size() - size);
            data = input_.data();
        }
    }
    if (stream_ == nullptr || reply_ == reply::done) return false;
    std::string rest;
    if (gathered) {
        rest.assign(data, size);
        input_.clear();
        data = rest.data();
    }
    if (size != 0 && reply_ == reply::chunked)
        handle_chunked({data, size});
    else if (size != 0 && reply_ != reply::head)
        handle_body({data, size});
    return true;
}

void exchange::fill_reply(const wire::response_head& head) {
    auto& out = up_.reply;
    out.status = static_cast<std::uint16_t>(head.status);
    out.content_length = -1;
    out.fields.clear();
    // What Connection names ends here; nearly always that is nothing beyond the fields that end here anyway.
    bool names_fields = false;
    for (const auto& f : head.fields)
        if (f.name.size() == 10 && iequals(f.name, "connection"))
            names_fields = names_fields || (!iequals(f.value, "keep-alive") && !iequals(f.value, "close") &&
                                            !iequals(f.value, "upgrade"));
    const auto is_named = [&](std::string_view name) {
        return std::ranges::any_of(head.fields, [&](const wire::field& c) {
            return iequals(c.name, "connection") && wire::list_has_token(c.value, name);
        });
    };
    for (const auto& f : head.fields) {
        if (f.name.size() == 14 && iequals(f.name, "content-length")) {
            // Told even where no body follows (HEAD, 304).
            std::int64_t length = 0;
            const auto [end, ec] = std::from_chars(f.value.data(), f.value.data() + f.value.size(), length);
            if (ec == std::errc() && end == f.value.data() + f.value.size()) out.content_length = length;
            continue;
        }
        if (wire::is_hop_by_hop(f.name) || (names_fields && is_named(f.name))) continue;
        if (f.name.size() == 12 && iequals(f.name, "content-type") && f.value.starts_with("text/event-stream"))
            push_ = true;
        out.fields.push_back(f);
    }
}

void exchange::handle_interim(const wire::response_head& head) {
    // Hints, each of them; an app that sends them without end is not followed.
    if (++interim_heads_ > max_interim_heads) return;
    fill_reply(head);
    stream_->send_reply(up_.reply, flag::interim);
}

// Upgrade itself ends at each hop: what the app has chosen travels as a field of ours.
void exchange::name_upgrade(const wire::response_head& head) {
    chosen_upgrade_.clear();
    for (const auto& f : head.fields)
        if (f.name.size() == 7 && iequals(f.name, "upgrade")) chosen_upgrade_.assign(f.value);
    if (chosen_upgrade_.empty()) return;
    auto& fields = up_.reply.fields;
    fields.insert(fields.begin(), {wire::itp::upgrade_field, chosen_upgrade_});
}

void exchange::begin_reply(const wire::response_head& head) {
    // ITP carries names with a length of one byte.
    if (std::ranges::any_of(head.fields, [](const wire::field& f) { return f.name.size() > 255; }))
        return fail(code::origin_bad_response, "a field name longer than 255 bytes");
    status_ = head.status;
    keep_ = head.keep_alive;
    fill_reply(head);
    if (head.status == 101) {
        if (!upgrade_) return fail(code::origin_bad_response, "an upgrade that nobody asked for");
        reply_ = reply::upgraded;
        keep_ = false;
        push_ = true;
        name_upgrade(head);
        stream_->send_reply(up_.reply, flag::upgraded);
        if (request_ended_) conn_->bytes().finish_writing();
        return;
    }
    switch (head.body) {
        case wire::body_kind::none:
            reply_ = reply::done;
            break;
        case wire::body_kind::length:
            reply_left_ = head.content_length;
            reply_ = reply_left_ == 0 ? reply::done : reply::length;
            break;
        case wire::body_kind::chunked:
            reply_ = reply::chunked;
            chunks_.reset();
            break;
        case wire::body_kind::until_close:
            reply_ = reply::until_close;
            keep_ = false;
            break;
    }
    if (filter_ != nullptr && hold_head(head)) return;
    const bool ended = reply_ == reply::done;
    if (head.body != wire::body_kind::length && head.body != wire::body_kind::none) up_.reply.content_length = -1;
    stream_->send_reply(up_.reply, ended ? flag::end : std::uint8_t{0});
    if (stream_->is_dead()) {  // longer than the protocol carries
        status_ = 502;
        return over();
    }
    if (ended) reply_complete();
}

void exchange::handle_body(std::string_view bytes) {
    if (reply_ == reply::length) {
        // More than announced: the rest of this connection cannot be trusted.
        if (bytes.size() > reply_left_) {
            keep_ = false;
            bytes = bytes.substr(0, static_cast<std::size_t>(reply_left_));
        }
        reply_left_ -= bytes.size();
    }
    if (!deliver(bytes)) return;
    if (reply_ == reply::length && reply_left_ == 0) reply_complete();
}

void exchange::handle_chunked(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto step = chunks_.next(bytes);
        bytes.remove_prefix(step.consumed);
        switch (step.what) {
            case wire::chunked_decoder::event::need_more:
                return;
            case wire::chunked_decoder::event::data:
                if (!deliver(step.data)) return;
                break;
            case wire::chunked_decoder::event::invalid:
                return fail(code::origin_bad_response, chunks_.reason());
            case wire::chunked_decoder::event::done: {
                if (!bytes.empty()) keep_ = false;
                std::vector<wire::field> trailers;
                if (!chunks_.trailers().empty() && wire::parse_field_lines(chunks_.trailers(), trailers)) {
                    std::erase_if(trailers, [](const wire::field& f) { return wire::is_hop_by_hop(f.name); });
                    if (!end_filtered_reply()) return;
                    stream_->send_trailers(trailers);
                }
                return reply_complete();
            }
        }
    }
}

void exchange::reply_complete() {
    if (!end_filtered_reply()) return;
    reply_ = reply::done;
    stream_->finish();
    over();
}

}  // namespace instatunnel::client
