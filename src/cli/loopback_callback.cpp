#include "loopback_callback.hpp"

#include <algorithm>

#include "instatunnel/net/connection.hpp"

namespace instatunnel::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t max_visits = 8;
constexpr auto request_limit = std::chrono::seconds(10);
constexpr wire::http1_limits head_limits{8192, 8192, 16384, 64};
constexpr auto look_interval = net::event_loop::tick;
constexpr int quiet_looks = 2;  // a browser that has connected has asked by then
constexpr int most_looks = 40;  // two seconds

const callback_page nothing_here{404, "There is nothing here", "This address takes the answer of a sign-in only."};
const callback_page not_ours{400, "This is not the answer",
                             "It does not belong to the sign-in that runs in the terminal, which goes on waiting."};
const callback_page used{410, "This was used already",
                         "The answer to this sign-in has arrived before. You can close this tab."};
const callback_page unreadable{400, "This is not a request", "The browser's request cannot be read."};

failure refusal_of(const callback_answer& answer) {
    if (answer.what == callback_answer::kind::foreign_issuer)
        return {errc::unexpected_reply,
                "The answer in the browser came from another server than the one that was asked",
                "Nothing was sent there. Close other sign-in pages, then start again: instatunnel login"};
    if (answer.error == "access_denied") return errc::sign_in_denied;
    return {errc::unexpected_reply,
            "The server refused the sign-in: " + (answer.description.empty() ? answer.error : answer.description),
            "Start again: instatunnel login"};
}

}  // namespace

/// One connection of a browser, with one request.
class loopback_callback::visit final : public net::connection_events, public net::retirable {
public:
    visit(loopback_callback& owner, unique_fd fd)
        : owner_(owner),
          limit_(
              owner.loop_, [](void* self) { static_cast<visit*>(self)->give_up(); }, this),
          connection_(net::connection::plain(owner.loop_, std::move(fd), *this)) {
        limit_.arm(request_limit);
    }

    void on_readable() override {
        while (!asked_) {
            const auto into = owner_.loop_.scratch();
            const auto got = connection_->read(into.data(), into.size());
            if (got.status == net::read_status::would_block) return;
            if (got.status != net::read_status::data) return owner_.drop(*this);
            input_.append(into.data(), got.size);
            if (!parse()) return;
        }
    }
    void on_broken(errc) override { owner_.drop(*this); }

    bool has_spoken() const noexcept { return !input_.empty(); }
    std::unique_ptr<net::connection> take_connection() {
        limit_.cancel();
        return std::move(connection_);
    }
    void wait_for_page() { limit_.cancel(); }

private:
    // False when nothing more is to be read.
    bool parse() {
        wire::request_head head;
        const auto parsed = wire::parse_request_head(input_, seen_, head_limits, head);
        seen_ = input_.size();
        if (parsed.status == wire::parse_status::incomplete) return true;
        asked_ = true;
        if (parsed.status == wire::parse_status::invalid)
            owner_.reply(*this, unreadable);
        else
            owner_.on_request(*this, head);
        return false;
    }
    void give_up() { owner_.drop(*this); }

    loopback_callback& owner_;
    net::timer limit_;
    std::unique_ptr<net::connection> connection_;
    std::string input_;
    std::size_t seen_ = 0;
    bool asked_ = false;
};

outcome<std::unique_ptr<loopback_callback>> loopback_callback::open(std::string state, std::string issuer) {
    auto listener = net::open_listener({"127.0.0.1", 0});
    if (!listener) return listener.error();
    return std::unique_ptr<loopback_callback>(
        new loopback_callback(std::move(*listener), std::move(state), std::move(issuer)));
}

loopback_callback::loopback_callback(unique_fd listener, std::string state, std::string issuer)
    : expected_{net::local_port(listener.get()), std::move(state), std::move(issuer)},
      acceptor_(loop_, std::move(listener), *this),
      timer_(
          loop_, [](void* self) { static_cast<loopback_callback*>(self)->look_whether_done(); }, this) {}

loopback_callback::~loopback_callback() = default;

std::string loopback_callback::redirect_uri() const {
    return "http://" + callback_host(expected_.port) + std::string(callback_path);
}

outcome<secret> loopback_callback::wait(milliseconds patience) {
    timer_.arm(patience);
    if (!stopped_) loop_.run();
    timer_.cancel();
    if (stopped_) return failure(errc::cancelled);
    return std::move(*answer_);
}

void loopback_callback::finish(const callback_page& page) {
    finishing_ = true;
    if (held_ != nullptr) reply(*std::exchange(held_, nullptr), page);
    timer_.arm(look_interval);
    if (!stopped_) loop_.run();
}

void loopback_callback::stop() noexcept {
    stopped_ = true;
    loop_.stop();
}

// While it waits: its patience is over. At the end: have all pages left?
void loopback_callback::look_whether_done() {
    if (!finishing_) {
        answer_ = outcome<secret>(failure(errc::sign_in_expired));
        return loop_.stop();
    }
    ++looks_;
    const bool somebody_asks = std::ranges::any_of(visits_, [](const auto& v) { return v->has_spoken(); });
    const bool is_quiet = looks_ >= quiet_looks && !somebody_asks && loop_.leaving() == 0;
    if (is_quiet || looks_ >= most_looks) return loop_.stop();
    timer_.arm(look_interval);
}

void loopback_callback::on_accepted(unique_fd fd) {
    if (visits_.size() >= max_visits) make_room();
    visits_.push_back(std::make_unique<visit>(*this, std::move(fd)));
}

// Whoever holds connections open and says nothing must not keep the answer out; a browser with one speaks at once.
void loopback_callback::make_room() {
    const auto oldest = std::ranges::find_if(visits_, [this](const auto& v) { return v.get() != held_; });
    if (oldest != visits_.end()) drop(**oldest);
}

void loopback_callback::on_request(visit& from, const wire::request_head& head) {
    using kind = callback_answer::kind;
    auto answer = read_callback(head, expected_);
    switch (answer.what) {
        case kind::elsewhere:
            return reply(from, nothing_here);
        case kind::wrong_state:
        case kind::malformed:
            return reply(from, not_ours);
        case kind::foreign_issuer:
        case kind::refused:
            return settle(from, refusal_of(answer));
        case kind::code:
            return settle(from, std::move(answer.code));
    }
}

void loopback_callback::settle(visit& from, outcome<secret> answer) {
    if (answer_) return reply(from, used);
    answer_ = std::move(answer);
    held_ = &from;
    from.wait_for_page();
    loop_.stop();
}

void loopback_callback::reply(visit& to, const callback_page& page) {
    auto going = release(to);
    auto connection = going->take_connection();
    loop_.retire(std::move(going));
    connection->write(to_response(page));
    net::connection::close_gently(std::move(connection));
}

void loopback_callback::drop(visit& which) {
    auto going = release(which);
    auto connection = going->take_connection();
    loop_.retire(std::move(going));
    net::connection::close_now(std::move(connection));
}

// It is on the stack in most cases: whoever releases it retires it.
std::unique_ptr<loopback_callback::visit> loopback_callback::release(visit& which) {
    if (held_ == &which) held_ = nullptr;
    const auto found = std::ranges::find_if(visits_, [&](const auto& v) { return v.get() == &which; });
    auto released = std::move(*found);
    visits_.erase(found);
    return released;
}

}  // namespace instatunnel::cli
