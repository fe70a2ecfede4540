#include "cli/prompter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

#include <csignal>
#include <thread>

#include "cli/terminal.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;

namespace {

/// A pseudo-terminal: the program holds one end, the test types at the other.
class pseudo_terminal {
public:
    pseudo_terminal() : keyboard_(::posix_openpt(O_RDWR | O_NOCTTY)) {
        REQUIRE(::grantpt(keyboard_.get()) == 0);
        REQUIRE(::unlockpt(keyboard_.get()) == 0);
        program_.reset(::open(::ptsname(keyboard_.get()), O_RDWR | O_NOCTTY));
        REQUIRE(program_);
    }
    int program() const { return program_.get(); }
    void type(std::string_view keys) {
        REQUIRE(::write(keyboard_.get(), keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
    }
    bool echoes() const {
        termios settings{};
        REQUIRE(::tcgetattr(program_.get(), &settings) == 0);
        return (settings.c_lflag & ECHO) != 0;
    }
    /// What the person sees until `end` was shown or two seconds have passed.
    std::string screen_until(std::string_view end) {
        while (shown_.find(end) == std::string::npos) {
            pollfd ready{keyboard_.get(), POLLIN, 0};
            if (::poll(&ready, 1, 2000) <= 0) break;
            char block[256];
            const auto n = ::read(keyboard_.get(), block, sizeof block);
            if (n <= 0) break;
            shown_.append(block, static_cast<std::size_t>(n));
        }
        return shown_;
    }

private:
    unique_fd keyboard_;
    unique_fd program_;
    std::string shown_;
};

}  // namespace

TEST_CASE("a password is not echoed and its line is completed with eight asterisks") {
    pseudo_terminal tty;
    terminal term(tty.program(), tty.program(), tty.program(), {true, true, true, false, false});
    terminal_prompter prompter(term);
    std::thread person([&] {
        tty.screen_until("Password: ");
        tty.type("a pass\n");
    });
    auto password = prompter.ask_hidden("Password: ");
    person.join();
    REQUIRE(password.has_value());
    CHECK(password->reveal() == "a pass");
    CHECK(tty.screen_until("*\r\n") == "Password: ********\r\n");
    CHECK(tty.echoes());
}

TEST_CASE("an email is echoed and trimmed") {
    pseudo_terminal tty;
    terminal term(tty.program(), tty.program(), tty.program(), {true, true, true, false, false});
    terminal_prompter prompter(term);
    std::thread person([&] {
        tty.screen_until("Email: ");
        tty.type(" a@b.c \n");
    });
    const auto email = prompter.ask("Email: ");
    person.join();
    REQUIRE(email.has_value());
    CHECK(*email == "a@b.c");
    CHECK(tty.screen_until("\r\n") == "Email:  a@b.c \r\n");
}

TEST_CASE("an interrupt at a prompt restores the terminal and cancels") {
    pseudo_terminal tty;
    terminal term(tty.program(), tty.program(), tty.program(), {true, true, true, false, false});
    terminal_prompter prompter(term);
    const auto asking = ::pthread_self();
    std::thread person([&] {
        tty.screen_until("Password: ");
        CHECK_FALSE(tty.echoes());
        ::pthread_kill(asking, SIGINT);
    });
    const auto password = prompter.ask_hidden("Password: ");
    person.join();
    REQUIRE_FALSE(password.has_value());
    CHECK(password.error().code == errc::cancelled);
    CHECK(tty.echoes());
    CHECK(tty.screen_until("\r\n") == "Password: \r\n");
}

TEST_CASE("the end of input at a prompt cancels, and is no answer") {
    pseudo_terminal tty;
    terminal term(tty.program(), tty.program(), tty.program(), {true, true, true, false, false});
    terminal_prompter prompter(term);
    tty.type("\x04");
    CHECK(prompter.ask("Email: ").error().code == errc::cancelled);
    tty.type("\x04");
    CHECK(prompter.ask_hidden("Password: ").error().code == errc::cancelled);
    CHECK(tty.echoes());
    tty.type(std::string(3000, 'x') + "\n");
    CHECK(prompter.ask("Email: ").error().code == errc::usage);
}
