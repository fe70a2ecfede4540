#include "instatunnel/client/recording.hpp"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "instatunnel/base/names.hpp"
#include "instatunnel/client/redaction.hpp"
#include "instatunnel/client/replay.hpp"
#include "instatunnel/wire/grpc.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t cost_of_a_request = 1024;  // what it takes beside its texts, about
constexpr std::size_t cost_of_a_field = 2 * sizeof(std::string);

void wipe_text(std::string& text) noexcept {
    OPENSSL_cleanse(text.data(), text.capacity());
    text.clear();
    text.shrink_to_fit();
}

// std::string would leave what it held behind when it grows.
void append_wiping(std::string& to, std::string_view bytes, std::size_t most) {
    if (to.size() + bytes.size() > to.capacity()) {
        std::string larger;
        larger.reserve(std::max(to.size() + bytes.size(), std::min(to.capacity() * 2, most)));
        larger.append(to);
        wipe_text(to);
        to = std::move(larger);
    }
    to.append(bytes);
}

std::string recorded_address(const wire::itp::visitor_address& a) {
    if (a.family == 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text);
    return text;
}

std::vector<recorded_field> copied_fields(const std::vector<wire::field>& fields) {
    std::vector<recorded_field> copies;
    copies.reserve(fields.size() + 1);
    for (const auto& f : fields)
        copies.push_back({std::string(f.name), std::string(f.value)});
    return copies;
}

std::size_t cost_of(const std::vector<recorded_field>& fields) {
    std::size_t n = 0;
    for (const auto& f : fields)
        n += f.name.size() + f.value.size() + cost_of_a_field;
    return n;
}

recorded begun_request(std::string_view tunnel, const wire::itp::open_head& open, std::uint8_t flags) {
    recorded r;
    r.tunnel = tunnel;
    r.visitor = recorded_address(open.visitor);
    r.https = open.https;
    r.http_version = open.http_version;
    r.method = open.method;
    r.authority = open.authority;
    r.path = open.path;
    r.asked_upgrade = open.protocol;
    r.fields = copied_fields(open.fields);
    if (open.content_length >= 0) r.fields.push_back({"Content-Length", std::to_string(open.content_length)});
    r.request_ended = (flags & flag::end) != 0;
    r.started = std::chrono::system_clock::now();
    return r;
}

// For whoever looks through many: fields and bodies would be most of the work.
recorded without_contents(const recorded& r) {
    recorded row;
    row.number = r.number;
    row.replay_of = r.replay_of;
    row.tunnel = r.tunnel;
    row.visitor = r.visitor;
    row.https = r.https;
    row.http_version = r.http_version;
    row.method = r.method;
    row.authority = r.authority;
    row.path = r.path;
    row.asked_upgrade = r.asked_upgrade;
    row.body.size = r.body.size;
    row.body.is_dropped = r.body.is_dropped;
    row.request_ended = r.request_ended;
    row.status = r.status;
    row.upgraded_to = r.upgraded_to;
    row.is_event_stream = r.is_event_stream;
    row.reply_body.size = r.reply_body.size;
    row.reply_body.is_dropped = r.reply_body.is_dropped;
    row.how = r.how;
    row.by_visitor = r.by_visitor;
    row.fault = r.fault;
    row.fault_text = r.fault_text;
    row.started = r.started;
    row.first_byte = r.first_byte;
    row.ended = r.ended;
    return row;
}

bool has_come_to(const recorded& r, recording::moment when) {
    if (r.how != recorded::stage::open) return true;
    if (when == recording::moment::received) return r.request_ended;
    return r.status != 0 && (r.is_event_stream || !r.upgraded_to.empty());
}

}  // namespace

std::string request_id(std::uint64_t number) {
    return "req_" + std::to_string(number);
}

std::optional<std::uint64_t> parse_request_id(std::string_view id) {
    if (!id.starts_with("req_")) return std::nullopt;
    id.remove_prefix(4);
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (ec != std::errc() || end != id.data() + id.size()) return std::nullopt;
    return number;
}

struct recording::entry {
    recorded what;
    steady_clock::time_point began = steady_clock::now();
    std::size_t held = 0;  // bytes of it that are counted
    bool reply_ended = false;
    bool is_dropped = false;
};

struct recording::shared {
    explicit shared(limits l) : max(l) {}

    // All of these with `guard` held.
    std::shared_ptr<entry> add(recorded r) {
        auto e = std::make_shared<entry>();
        e->what = std::move(r);
        e->what.number = ++newest;
        ring.push_back(e);
        if (ring.size() > max.max_requests) drop_oldest();
        const auto& w = e->what;
        hold(*e, cost_of_a_request + w.tunnel.size() + w.method.size() + w.authority.size() + w.path.size() +
                     cost_of(w.fields));
        tell();
        return e;
    }
    std::shared_ptr<entry> at(std::uint64_t number) const {
        const auto found = from(number);
        return found != ring.end() && (*found)->what.number == number ? *found : nullptr;
    }
    std::deque<std::shared_ptr<entry>>::const_iterator from(std::uint64_t number) const {
        return std::ranges::lower_bound(ring, number, {}, [](const auto& e) { return e->what.number; });
    }
    void tell() {
        ++version;
        changed.notify_all();
    }
    void hold(entry& e, std::size_t more) {
        e.held += more;
        bytes += more;
        for (std::size_t oldest = 0; bytes > max.max_bytes && oldest < ring.size(); ++oldest)
            drop_bodies(*ring[oldest]);
        while (bytes > max.max_bytes && ring.size() > 1)
            drop_oldest();
    }
    void keep(entry& e, recorded_body& body, std::string_view more) {
        body.size += more.size();
        if (e.is_dropped || body.is_dropped) return;
        more = more.substr(0, max.max_body - body.bytes.size());
        if (more.empty()) return;
        append_wiping(body.bytes, more, max.max_body);
        hold(e, more.size());
    }
    void drop_body(entry& e, recorded_body& body) {
        if (body.bytes.empty()) return;
        e.held -= body.bytes.size();
        bytes -= body.bytes.size();
        wipe_text(body.bytes);
        body.is_dropped = true;
    }
    void drop_bodies(entry& e) {
        drop_body(e, e.what.body);
        drop_body(e, e.what.reply_body);
    }
    void drop_oldest() {
        const auto e = std::move(ring.front());
        ring.pop_front();
        drop_bodies(*e);
        bytes -= e->held;
        e->is_dropped = true;
        wipe_text(e->what.path);
        for (auto* fields : {&e->what.fields, &e->what.trailers, &e->what.reply_fields, &e->what.reply_trailers}) {
            for (auto& f : *fields)
                wipe_text(f.value);
            fields->clear();
        }
        tell();
    }
    static std::chrono::microseconds age(const entry& e) {
        return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - e.began);
    }
    void end(entry& e, recorded::stage how) {
        e.what.how = how;
        e.what.ended = age(e);
        tell();
    }
    void cut(entry& e, engine::stream_tap::side by, std::string_view fault, std::string_view text) {
        if (e.what.how != recorded::stage::open) return;
        // An app may answer before it has read everything.
        if (e.reply_ended) return end(e, recorded::stage::finished);
        e.what.by_visitor = by == engine::stream_tap::side::peer;
        e.what.fault = fault;
        e.what.fault_text = text;
        end(e, recorded::stage::cut);
    }

    const limits max;
    mutable std::mutex guard;
    mutable std::condition_variable_any changed;
    std::deque<std::shared_ptr<entry>> ring;  // by number
    std::uint64_t newest = 0;
    std::uint64_t version = 0;
    std::size_t bytes = 0;
};

// What one stream tells. Its entry may be dropped at any time: then nothing more is kept.
class recording::writer final : public engine::stream_tap {
public:
    writer(std::shared_ptr<shared> to, std::shared_ptr<entry> of) : to_(std::move(to)), of_(std::move(of)) {}
    ~writer() override { on_reset(side::here, wire::itp::code::cancelled, {}); }

    void on_request_data(std::string_view bytes) override {
        const std::lock_guard lock(to_->guard);
        to_->keep(*of_, of_->what.body, bytes);
    }
    void on_request_trailers(const std::vector<wire::field>& fields) override {
        keep_fields(of_->what.trailers, copied_fields(fields));
    }
    void on_request_end() override {
        const std::lock_guard lock(to_->guard);
        of_->what.request_ended = true;
        if (of_->reply_ended && of_->what.how == recorded::stage::open)
            return to_->end(*of_, recorded::stage::finished);
        to_->tell();
    }
    void on_reply_head(const wire::itp::reply_head& head, std::uint8_t flags) override {
        if ((flags & flag::interim) != 0) return;
        auto fields = copied_fields(head.fields);
        if (head.content_length >= 0) fields.push_back({"Content-Length", std::to_string(head.content_length)});
        std::erase_if(fields, [](const recorded_field& f) { return f.name == wire::itp::upgrade_field; });
        const bool is_stream = std::ranges::any_of(fields, [](const recorded_field& f) {
            return iequals(f.name, "Content-Type") &&
                   (f.value.starts_with("text/event-stream") || wire::is_grpc(f.value));
        });
        keep_fields(of_->what.reply_fields, std::move(fields));
        const std::lock_guard lock(to_->guard);
        auto& r = of_->what;
        r.status = head.status;
        r.first_byte = shared::age(*of_);
        r.is_event_stream = is_stream;
        if ((flags & flag::upgraded) != 0) r.upgraded_to = wire::itp::take_upgrade(head, r.asked_upgrade);
        to_->tell();
    }
    void on_reply_data(std::string_view bytes) override {
        const std::lock_guard lock(to_->guard);
        to_->keep(*of_, of_->what.reply_body, bytes);
    }
    void on_reply_trailers(const std::vector<wire::field>& fields) override {
        keep_fields(of_->what.reply_trailers, copied_fields(fields));
    }
    void on_reply_end() override {
        const std::lock_guard lock(to_->guard);
        of_->reply_ended = true;
        if (of_->what.request_ended && of_->what.how == recorded::stage::open)
            to_->end(*of_, recorded::stage::finished);
    }
    void on_reset(side by, wire::itp::code why, std::string_view text) override {
        using wire::itp::code;
        const std::lock_guard lock(to_->guard);
        // What the edge makes of it for the visitor.
        const bool is_answered = by == side::here && why != code::cancelled && why != code::refused;
        if (is_answered && of_->what.status == 0) of_->what.status = why == code::origin_timeout ? 504 : 502;
        to_->cut(*of_, by, wire::itp::code_name(why), text);
    }

private:
    void keep_fields(std::vector<recorded_field>& where, std::vector<recorded_field> fields) {
        const std::lock_guard lock(to_->guard);
        if (of_->is_dropped) return;
        where = std::move(fields);
        to_->hold(*of_, cost_of(where));
    }

    std::shared_ptr<shared> to_;
    std::shared_ptr<entry> of_;
};

recording::recording(limits l) : shared_(std::make_shared<shared>(l)) {}

recording::~recording() {
    const std::lock_guard lock(shared_->guard);
    while (!shared_->ring.empty())
        shared_->drop_oldest();
}

std::unique_ptr<engine::stream_tap> recording::tap(std::string_view tunnel, const wire::itp::open_head& open,
                                                   std::uint8_t flags) {
    auto begun = begun_request(tunnel, open, flags);
    const std::lock_guard lock(shared_->guard);
    return std::make_unique<writer>(shared_, shared_->add(std::move(begun)));
}

std::uint64_t recording::announce(const replay_request& replay) {
    auto begun = begun_request(replay.tunnel, replay.head(), 0);
    begun.replay_of = replay.original;
    const std::lock_guard lock(shared_->guard);
    return shared_->add(std::move(begun))->what.number;
}

std::unique_ptr<engine::stream_tap> recording::tap_announced(std::uint64_t number) {
    const std::lock_guard lock(shared_->guard);
    auto e = shared_->at(number);
    if (e == nullptr) return nullptr;
    return std::make_unique<writer>(shared_, std::move(e));
}

void recording::give_up(std::uint64_t number, std::string_view fault, std::string_view text) {
    const std::lock_guard lock(shared_->guard);
    if (const auto e = shared_->at(number)) shared_->cut(*e, engine::stream_tap::side::here, fault, text);
}

std::vector<recorded> recording::list(const recorded_filter& filter, std::size_t limit, std::uint64_t after,
                                      std::uint64_t before) const {
    std::vector<recorded> found;
    {
        const std::lock_guard lock(shared_->guard);
        const auto& ring = shared_->ring;
        for (auto at = ring.rbegin(); at != ring.rend() && found.size() < limit; ++at) {
            const auto& r = (*at)->what;
            if (r.number <= after) break;
            if (before != 0 && r.number >= before) continue;
            if (filter.matches_head(r)) found.push_back(without_contents(r));
        }
    }
    for (auto& r : found)
        redact(r);
    return found;
}

std::optional<recorded> recording::original(std::uint64_t number) const {
    const std::lock_guard lock(shared_->guard);
    const auto e = shared_->at(number);
    return e == nullptr ? std::nullopt : std::optional(e->what);
}

std::optional<recorded> recording::find(std::uint64_t number) const {
    auto found = original(number);
    if (found) redact(*found);
    return found;
}

std::uint64_t recording::newest() const {
    const std::lock_guard lock(shared_->guard);
    return shared_->newest;
}

std::optional<recorded> recording::wait(const recorded_filter& filter, std::uint64_t after, moment when,
                                        steady_clock::time_point deadline, const std::stop_token& stop) const {
    auto& s = *shared_;
    const bool looks_into_bodies = !filter.body_text.empty() || !filter.json.empty();
    std::vector<std::uint64_t> refused;  // whose bodies are known and are others, by number
    std::unique_lock lock(s.guard);
    for (;;) {
        const auto seen = s.version;
        for (auto at = after; !s.ring.empty();) {
            const auto next = s.from(at + 1);
            if (next == s.ring.end()) break;
            const auto& r = (*next)->what;
            at = r.number;
            if (std::ranges::binary_search(refused, at) || !has_come_to(r, when) || !filter.matches_head(r)) continue;
            auto candidate = r;
            const bool is_final = r.request_ended || r.how != recorded::stage::open;
            lock.unlock();
            const bool is_it = !looks_into_bodies || filter.matches_body(candidate);
            if (is_it) {
                redact(candidate);
                return candidate;
            }
            lock.lock();
            if (is_final) refused.insert(std::ranges::upper_bound(refused, at), at);
        }
        if (!s.ring.empty())
            refused.erase(refused.begin(), std::ranges::lower_bound(refused, s.ring.front()->what.number));
        if (!s.changed.wait_until(lock, stop, deadline, [&] { return s.version != seen; })) return std::nullopt;
    }
}

bool recording::wait_until_over(std::uint64_t number, steady_clock::time_point deadline,
                                const std::stop_token& stop) const {
    std::unique_lock lock(shared_->guard);
    const auto e = shared_->at(number);
    if (e == nullptr) return true;
    return shared_->changed.wait_until(lock, stop, deadline,
                                       [&] { return e->is_dropped || e->what.how != recorded::stage::open; });
}

}  // namespace instatunnel::client
