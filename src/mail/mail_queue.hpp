#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "instatunnel/mail/mailer.hpp"

namespace instatunnel::mail {

enum class delivery : std::uint8_t { sent, try_later, refused };

/// The mails that wait, and the one thread that sends them.
class mail_queue final : public mailer {
public:
    /// Sends one mail, on the queue's thread; gives up soon once a stop is requested.
    using transport = std::function<delivery(const message&, const std::stop_token&)>;

    struct options {
        std::size_t capacity = 1000;
        /// Before the second, third, … try; after the last one the mail is dropped.
        std::vector<std::chrono::milliseconds> pauses{std::chrono::seconds(5), std::chrono::seconds(30),
                                                      std::chrono::minutes(2), std::chrono::minutes(10),
                                                      std::chrono::minutes(30)};
    };

    mail_queue(transport send, options o);
    ~mail_queue() override;

    outcome<void> post(message m) override;
    void stop() override;

private:
    using time_point = std::chrono::steady_clock::time_point;
    struct entry {
        message mail;
        std::size_t tries = 0;
        time_point due{};
    };

    void run(const std::stop_token& stop);
    /// Takes the mail that is due first out of the list; empty once stopped.
    std::list<entry> next(const std::stop_token& stop);
    void settle(std::list<entry> one, delivery how, const std::stop_token& stop);

    const transport send_;
    const options options_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::list<entry> waiting_;
    bool stopped_ = false;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace instatunnel::mail
