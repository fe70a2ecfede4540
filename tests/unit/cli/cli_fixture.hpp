#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "scratch_folder.hpp"

namespace instatunnel::test {

/// A file in memory that stands for one of the three streams.
class captured_stream {
public:
    captured_stream() : file_(::memfd_create("stream", MFD_CLOEXEC)) {}
    int fd() const noexcept { return file_.get(); }
    std::string text() const {
        std::string all(static_cast<std::size_t>(::lseek(file_.get(), 0, SEEK_END)), '\0');
        REQUIRE(::pread(file_.get(), all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
        return all;
    }
    void fill(std::string_view text) {
        REQUIRE(::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        ::lseek(file_.get(), 0, SEEK_SET);
    }

private:
    unique_fd file_;
};

/// Answers in order; an unexpected question fails the test, and so does an answer nobody asked for.
class scripted_prompter final : public cli::prompter {
public:
    ~scripted_prompter() override { CHECK(answers.empty()); }
    outcome<std::string> ask(std::string_view label) override { return next(label); }
    outcome<secret> ask_hidden(std::string_view label) override {
        auto answer = next(label);
        if (!answer) return answer.error();
        return secret(std::move(*answer));
    }
    std::deque<std::pair<std::string, outcome<std::string>>> answers;

private:
    outcome<std::string> next(std::string_view label) {
        REQUIRE_FALSE(answers.empty());
        auto [expected, answer] = std::move(answers.front());
        answers.pop_front();
        CHECK(label == expected);
        return answer;
    }
};

/// The server: one canned reply a path, or a failure to reach it. Remembers what was sent.
struct scripted_server {
    struct request {
        std::string method, url, authorization, body;
    };
    std::map<std::string, std::pair<int, std::string>> replies;  // "GET /v1/auth/user" → status, body
    std::optional<failure> unreachable;
    std::vector<request> requests;
    std::function<void(const request&)> on_request;  ///< what happens meanwhile; may be empty
    std::string cacert = "(never asked)";
};

class scripted_http final : public api::http_client {
public:
    explicit scripted_http(scripted_server& server) : server_(server) {}
    outcome<api::http_reply> send(std::string_view method, const std::string& url,
                                  const std::vector<std::pair<std::string, std::string>>& fields, std::string_view body,
                                  std::chrono::milliseconds) override {
        std::string authorization;
        for (const auto& [name, value] : fields)
            if (name == "Authorization") authorization = value;
        server_.requests.push_back({std::string(method), url, authorization, std::string(body)});
        if (server_.on_request) server_.on_request(server_.requests.back());
        if (server_.unreachable) return *server_.unreachable;
        const auto path = url.substr(url.find('/', url.find("://") + 3));
        const auto found = server_.replies.find(std::string(method) + " " + path);
        INFO(method << " " << path);
        REQUIRE(found != server_.replies.end());
        api::http_reply reply;
        reply.status = found->second.first;
        reply.body = secret(found->second.second);
        return reply;
    }

private:
    scripted_server& server_;
};

/// Everything a command needs, faked: change the public members, then call context().
struct cli_fixture {
    scratch_folder folder;
    captured_stream in, out, err;
    cli::global_options globals;
    cli::environment env;
    cli::terminal_traits traits;
    scripted_prompter prompter;
    scripted_server server;
    bool edge_runs = false;
    std::function<bool(const std::string&)> browser;  ///< may be empty

    cli_fixture() {
        env.home = folder.path() / "home";
        env.legacy_file = folder.path() / ".instatunnel.yaml";
    }
    config::profile_store store() const { return config::profile_store(env.home, globals.config); }

    /// Runs `command(options, context)` with the fakes.
    template <class Options>
    outcome<exit_code> run(outcome<exit_code> (*command)(const Options&, cli::context&), const Options& options = {}) {
        traits.json = globals.json;
        cli::terminal term(in.fd(), out.fd(), err.fd(), traits);
        const auto profiles = store();
        cli::context c = context_for(term, profiles);
        auto result = command(options, c);
        if (!result) term.report(result.error());
        return result;
    }
    cli::context context_for(cli::terminal& term, const config::profile_store& profiles) {
        return {globals,
                env,
                term,
                prompter,
                profiles,
                [this](const std::string& cacert) -> outcome<std::unique_ptr<api::http_client>> {
                    server.cacert = cacert;
                    return std::unique_ptr<api::http_client>(std::make_unique<scripted_http>(server));
                },
                [this](const std::string&) { return edge_runs; },
                [] { return std::chrono::steady_clock::time_point(); },
                browser};
    }
    void person_at_terminal() {
        traits.in_is_tty = true;
        traits.out_is_tty = true;
        traits.err_is_tty = true;
        traits.no_color = true;
    }
    void store_profile(const std::string& name, const std::string& key, const std::string& at = {},
                       const std::string& cacert = {}, const std::string& key_id = {}) {
        REQUIRE(store().save(name, {at, cacert, "stored@example.com", secret(key), key_id}).has_value());
    }
};

/// The exit code a process would end with.
inline int status_of(const outcome<exit_code>& result) {
    return static_cast<int>(result ? *result : exit_code_for(result.error().code));
}

inline constexpr const char* stored_key = "it_1234567890abcdef";

}  // namespace instatunnel::test
