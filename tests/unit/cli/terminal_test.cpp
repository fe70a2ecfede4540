#include "cli/terminal.hpp"

#include <fcntl.h>

#include <csignal>

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using instatunnel::test::captured_stream;

namespace {

struct streams {
    captured_stream in, out, err;
    terminal with(terminal_traits traits) { return {in.fd(), out.fd(), err.fd(), traits}; }
};

}  // namespace

TEST_CASE("an error is one sentence with the next step on stderr") {
    streams s;
    auto term = s.with({});
    term.report(failure(errc::name_taken, "subdomain already taken: \"demo\" belongs to another account",
                        "Choose another name: instatunnel 3000 --subdomain demo-2"));
    term.report(errc::no_key);
    CHECK(s.out.text().empty());
    CHECK(s.err.text() ==
          "Error: subdomain already taken: \"demo\" belongs to another account. Choose another name: instatunnel 3000 "
          "--subdomain demo-2\n"
          "Error: No API key found. Sign in with: instatunnel login, or set INSTATUNNEL_API_KEY\n");
}

TEST_CASE("with --json an error is an event on stdout and stderr is silent") {
    streams s;
    terminal_traits traits;
    traits.json = true;
    auto term = s.with(traits);
    term.report(failure(errc::name_taken, "subdomain already taken", "Choose another"));
    term.notice("talk");
    CHECK(s.out.text() ==
          "{\"event\":\"error\",\"code\":\"name_taken\",\"message\":\"subdomain already taken\",\"hint\":\"Choose "
          "another\"}\n");
    CHECK(s.err.text().empty());
}

TEST_CASE("colour needs a terminal that wants it, and no JSON") {
    streams s;
    terminal_traits tty;
    tty.out_is_tty = true;
    CHECK(s.with(tty).paint(style::good, "x") == "\x1b[32mx\x1b[0m");
    CHECK(s.with({}).paint(style::good, "x") == "x");
    tty.no_color = true;
    CHECK(s.with(tty).paint(style::good, "x") == "x");
    tty.no_color = false;
    tty.json = true;
    CHECK(s.with(tty).paint(style::good, "x") == "x");
}

TEST_CASE("a question needs a terminal on both sides") {
    streams s;
    terminal_traits t;
    CHECK_FALSE(s.with(t).can_prompt());
    t.in_is_tty = true;
    CHECK_FALSE(s.with(t).can_prompt());
    t.out_is_tty = true;
    CHECK(s.with(t).can_prompt());
    t.json = true;
    CHECK_FALSE(s.with(t).can_prompt());
}

TEST_CASE("a reader that went away is noticed and nothing more") {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    const unique_fd writer(ends[1]);
    terminal term(0, writer.get(), 2, {});
    CHECK_FALSE(term.output_closed());
    term.result("x");
    CHECK(term.output_closed());
}

TEST_CASE("lines about requests are left out while nobody reads, and counted") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const unique_fd reader(ends[0]), writer(ends[1]);
    ::fcntl(writer.get(), F_SETPIPE_SZ, 4096);
    terminal term(0, writer.get(), 2, {});
    for (int i = 0; i < 100; ++i)
        term.offer(std::string(200, 'x'));
    CHECK(term.dropped() > 50);
    const auto lost = term.dropped();
    std::string sink(1 << 20, '\0');
    REQUIRE(::read(reader.get(), sink.data(), sink.size()) > 0);
    term.offer("again");
    CHECK(term.dropped() == lost);
}

TEST_CASE("standard input is read to its end and bounded") {
    streams s;
    s.in.fill("it_x\n");
    CHECK(s.with({}).read_input(16).value() == "it_x\n");
    streams big;
    big.in.fill(std::string(100, 'x'));
    CHECK(big.with({}).read_input(16).error().code == errc::too_large);
}
