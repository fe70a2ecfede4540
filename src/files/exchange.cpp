#include "exchange.hpp"

#include "conditions.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/wire/http_date.hpp"
#include "media_types.hpp"

namespace instatunnel::files {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

constexpr std::string_view allowed = "GET, HEAD, OPTIONS";

std::string_view words_for(int status) {
    switch (status) {
        case 400:
            return "The path of the request is not valid";
        case 403:
            return "This may not be read";
        case 404:
            return "There is no such file here";
        case 405:
            return "Only GET, HEAD and OPTIONS work here";
        case 412:
            return "The file has changed";
        case 416:
            return "The file has no bytes in that range";
        case 503:
            return "This cannot be read at the moment";
        default:
            return "This cannot be read";
    }
}

std::string_view find_field(const std::vector<wire::field>& fields, std::string_view name) {
    for (const auto& f : fields)
        if (iequals(f.name, name)) return f.value;
    return {};
}

std::string content_range(const byte_range& range, std::uint64_t size) {
    return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + "/" +
           std::to_string(size);
}

}  // namespace

void exchange::start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t) {
    stream_ = &s;
    s.set_events(*this);
    started_ = site_.loop().now();
    now_ = std::chrono::floor<std::chrono::seconds>(wall_now());
    method_.assign(open.method);
    path_.assign(open.path.substr(0, open.path.find('?')));
    is_head_ = open.method == "HEAD";
    form_ = wire::preferred_form(find_field(open.fields, "Accept"));
    status_ = 0;
    fields_.clear();
    body_.clear();
    s.accept();
    answer(open);
}

void exchange::answer(const wire::itp::open_head& open) {
    if (open.method == "OPTIONS") {
        add_field("Allow", std::string(allowed));
        send_head(204, -1);
        return send_body();
    }
    if (open.method != "GET" && !is_head_) {
        add_field("Allow", std::string(allowed));
        return answer_problem(405, words_for(405));
    }
    auto f = site_.look_up(open.path);
    switch (f.kind) {
        case found_kind::file:
            return answer_file(std::move(f), open.fields);
        case found_kind::redirect:
            return redirect(f.name, open.path);
        case found_kind::directory:
            listing_.emplace(std::move(f), site_.options().rules);
            return site_.loop().defer(*this);
        case found_kind::problem:
            break;
    }
    if (f.status == 503) add_field("Retry-After", "1");
    answer_problem(f.status,
                   f.is_gone ? "The directory behind this address is not there at the moment" : words_for(f.status));
}

void exchange::answer_file(found f, const std::vector<wire::field>& fields) {
    const auto current = make_validators(f.version, now_);
    add_field("ETag", current.etag);
    // A date in the future would make every later version look older (RFC 9110 §8.8.2.1).
    if (current.modified <= now_) add_field("Last-Modified", wire::to_http_date(current.modified));
    add_field("Cache-Control", "no-cache");
    add_field("Accept-Ranges", "bytes");
    const auto verdict = check_conditions(fields, current, now_);
    if (verdict == condition_verdict::failed) return answer_problem(412, words_for(412));
    if (verdict == condition_verdict::not_modified) {
        send_head(304, -1);
        return send_body();
    }
    std::vector<byte_range> ranges;
    const auto wanted = is_head_ ? std::string_view() : usable_range(fields, current, now_);
    const auto range = wanted.empty() ? range_verdict::whole : parse_ranges(wanted, f.version.size, ranges);
    if (range == range_verdict::unsatisfiable) {
        add_field("Content-Range", "bytes */" + std::to_string(f.version.size));
        return answer_problem(416, words_for(416));
    }
    const auto type = media_type_of(f.name);
    if (range == range_verdict::whole) {
        ranges.clear();
        if (f.version.size != 0) ranges.push_back({0, f.version.size});
    }
    if (ranges.size() > 1) {
        add_pieces(f, ranges, type);
    } else {
        add_field("Content-Type", std::string(type));
        if (range == range_verdict::partial) add_field("Content-Range", content_range(ranges.front(), f.version.size));
        if (!ranges.empty()) body_.add_piece(ranges.front());
    }
    body_.set_file(std::move(f.fd));
    send_head(range == range_verdict::partial ? 206 : 200, static_cast<std::int64_t>(body_.size()));
    send_body();
}

// RFC 9110 §14.6.
void exchange::add_pieces(const found& f, const std::vector<byte_range>& ranges, std::string_view type) {
    const auto boundary = random_base62(24);
    add_field("Content-Type", "multipart/byteranges; boundary=" + boundary);
    std::string before = "--" + boundary;
    for (const auto& range : ranges) {
        body_.add_text(before + "\r\nContent-Type: " + std::string(type) +
                       "\r\nContent-Range: " + content_range(range, f.version.size) + "\r\n\r\n");
        body_.add_piece(range);
        before = "\r\n--" + boundary;
    }
    body_.add_text("\r\n--" + boundary + "--\r\n");
}

// Relative, so that neither a proxy's idea of our host nor a path like //host can lead elsewhere.
void exchange::redirect(const std::string& name, std::string_view target) {
    auto location = "./" + percent_encode(std::string_view(name).substr(name.rfind('/') + 1)) + "/";
    if (const auto query = target.find('?'); query != std::string_view::npos) location += target.substr(query);
    add_field("Location", std::move(location));
    add_field("Cache-Control", "no-cache");
    answer_problem(302, "The directory is at the same address with a slash at the end");
}

void exchange::continue_listing() {
    if (listing_->step()) {
        hold(listing_->held());
        if (site_.may_hold(0)) return site_.loop().defer(*this);
        listing_.reset();
        add_field("Retry-After", "1");
        return answer_problem(503, words_for(503));
    }
    const auto listed = listing_->finish();
    listing_.reset();
    add_field("Cache-Control", "no-cache");
    answer_page(200, render_listing(listed, form_));
}

void exchange::answer_problem(int status, std::string_view message) {
    answer_page(status, render_problem(status, message, form_));
}

void exchange::answer_page(int status, page content) {
    add_field("Content-Type", std::string(content.content_type));
    add_field("Content-Security-Policy", page_policy());
    add_field("X-Content-Type-Options", "nosniff");
    add_field("Vary", "Accept");
    const auto length = static_cast<std::int64_t>(content.body.size());
    hold(content.body.size());
    if (!is_head_) body_.add_text(std::move(content.body));
    send_head(status, length);
    send_body();
}

void exchange::send_head(int status, std::int64_t length) {
    status_ = status;
    auto& head = site_.reply;
    head.status = static_cast<std::uint16_t>(status);
    head.content_length = length;
    head.fields.clear();
    const auto date = wire::to_http_date(now_);
    head.fields.push_back({"Date", date});
    for (const auto& [name, value] : fields_)
        head.fields.push_back({name, value});
    const bool ends = is_head_ || body_.size() == 0;
    if (is_head_) body_.clear();
    stream_->send_reply(head, ends ? flag::end : std::uint8_t{0});
}

void exchange::send_body() {
    if (stream_->is_dead()) return over();
    switch (body_.send(*stream_)) {
        case reply_body::progress::done:
            stream_->finish();
            return over();
        case reply_body::progress::paused:
            return;
        case reply_body::progress::more:
            return site_.loop().defer(*this);
        case reply_body::progress::refused:
            return fail(code::cancelled);
        case reply_body::progress::cut:
            return fail(code::origin_reset);
    }
}

void exchange::run_deferred() {
    if (stream_ == nullptr) return;
    if (listing_) return continue_listing();
    send_body();
}

// A directory has no use for what is sent to it.
void exchange::on_data(engine::stream& s, std::string_view bytes) {
    s.consumed(bytes.size());
}

void exchange::on_reset(engine::stream&, code, std::string_view) {
    over();
}

void exchange::on_stop(engine::stream&) {
    fail(code::cancelled);
}

void exchange::on_drained(engine::stream&) {
    site_.loop().defer(*this);
}

void exchange::hold(std::size_t bytes) {
    site_.let_go(held_);
    site_.hold(bytes);
    held_ = bytes;
}

// A body that was cut must not look whole.
void exchange::fail(code why) {
    stream_->reset(why, {});
    over();
}

void exchange::over() {
    engine::stream* s = std::exchange(stream_, nullptr);
    served_request done;
    done.method = method_;
    done.path = path_;
    done.status = status_;
    done.bytes = s->bytes_sent() + s->queued();
    done.took = std::chrono::duration_cast<std::chrono::milliseconds>(site_.loop().now() - started_);
    listing_.reset();
    body_.clear();
    hold(0);
    s->release();
    site_.report(done);
    site_.give(*this);
}

}  // namespace instatunnel::files
