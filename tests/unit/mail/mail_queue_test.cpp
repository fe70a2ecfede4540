#include "mail/mail_queue.hpp"

#include <future>

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::mail;

namespace {

mail::message make_message(const std::string& to) {
    mail::message m;
    m.to = to;
    m.subject = "Hello";
    m.text = secret("text\n");
    return m;
}

// A mail server by script: answers in order, remembers who was written to.
class scripted_server {
public:
    explicit scripted_server(std::vector<delivery> answers) : answers_(std::move(answers)) {}

    delivery take(const mail::message& m) {
        const std::lock_guard hold(mutex_);
        const auto answer = seen_.size() < answers_.size() ? answers_[seen_.size()] : delivery::sent;
        seen_.push_back(m.to);
        changed_.notify_all();
        return answer;
    }

    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock hold(mutex_);
        changed_.wait_for(hold, std::chrono::seconds(20), [&] { return seen_.size() >= count; });
        return seen_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    const std::vector<delivery> answers_;
    std::vector<std::string> seen_;
};

mail_queue::options quick() {
    mail_queue::options o;
    o.pauses = {std::chrono::milliseconds(1), std::chrono::milliseconds(1)};
    return o;
}

}  // namespace

TEST_CASE("mails are sent in order") {
    scripted_server server({});
    mail_queue queue([&](const mail::message& m, const std::stop_token&) { return server.take(m); }, quick());
    REQUIRE(queue.post(make_message("a@x.y")));
    REQUIRE(queue.post(make_message("b@x.y")));
    CHECK(server.wait_for(2) == std::vector<std::string>{"a@x.y", "b@x.y"});
}

TEST_CASE("a mail that is not taken now is tried again, and dropped in the end") {
    scripted_server server({delivery::try_later, delivery::try_later, delivery::try_later});
    mail_queue queue([&](const mail::message& m, const std::stop_token&) { return server.take(m); }, quick());
    REQUIRE(queue.post(make_message("a@x.y")));
    CHECK(server.wait_for(3) == std::vector<std::string>(3, "a@x.y"));
    REQUIRE(queue.post(make_message("b@x.y")));
    CHECK(server.wait_for(4).back() == "b@x.y");
}

TEST_CASE("a mail that is refused for good is not tried again") {
    scripted_server server({delivery::refused});
    mail_queue queue([&](const mail::message& m, const std::stop_token&) { return server.take(m); }, quick());
    REQUIRE(queue.post(make_message("a@x.y")));
    server.wait_for(1);
    REQUIRE(queue.post(make_message("b@x.y")));
    CHECK(server.wait_for(2) == std::vector<std::string>{"a@x.y", "b@x.y"});
}

TEST_CASE("a mail that waits for its next try holds up no other") {
    scripted_server server({delivery::try_later});
    mail_queue::options slow;
    slow.pauses = {std::chrono::hours(1)};
    mail_queue queue([&](const mail::message& m, const std::stop_token&) { return server.take(m); }, slow);
    REQUIRE(queue.post(make_message("a@x.y")));
    server.wait_for(1);
    REQUIRE(queue.post(make_message("b@x.y")));
    CHECK(server.wait_for(2).back() == "b@x.y");
}

TEST_CASE("only so many mails wait") {
    std::promise<void> started, go;
    auto gate = go.get_future().share();
    mail_queue::options small;
    small.capacity = 2;
    std::atomic<bool> first{true};
    mail_queue queue(
        [&](const mail::message&, const std::stop_token&) {
            if (first.exchange(false)) started.set_value();
            gate.wait();
            return delivery::sent;
        },
        small);
    REQUIRE(queue.post(make_message("a@x.y")));
    started.get_future().wait();
    CHECK(queue.post(make_message("b@x.y")));
    CHECK(queue.post(make_message("c@x.y")));
    CHECK(queue.post(make_message("d@x.y")).error().code == errc::busy);
    go.set_value();
}

TEST_CASE("stopping ends a conversation that hangs, and takes no more mails") {
    std::promise<void> started;
    mail_queue queue(
        [&](const mail::message&, const std::stop_token& stop) {
            started.set_value();
            while (!stop.stop_requested())
                std::this_thread::yield();
            return delivery::try_later;
        },
        quick());
    REQUIRE(queue.post(make_message("a@x.y")));
    started.get_future().wait();
    queue.stop();
    CHECK(queue.post(make_message("b@x.y")).error().code == errc::busy);
    queue.stop();
}
