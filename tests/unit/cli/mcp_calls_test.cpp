#include "cli/mcp_calls.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>

using namespace instatunnel::cli;

namespace {

// What was said, by whichever thread.
class said_lines {
public:
    void say(const std::string& line) {
        const std::lock_guard lock(guard_);
        lines_.push_back(line);
        changed_.notify_all();
    }
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(guard_);
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return lines_.size() >= count; });
        return lines_;
    }

private:
    std::mutex guard_;
    std::condition_variable changed_;
    std::vector<std::string> lines_;
};

std::string wait_for_stop(mcp_call& call) {
    std::mutex guard;
    std::condition_variable_any changed;
    std::unique_lock lock(guard);
    changed.wait(lock, call.stop().get_token(), [] { return false; });
    return "stopped";
}

}  // namespace

TEST_CASE("a call is answered while others wait, and what was cancelled is not") {
    said_lines said;
    {
        mcp_calls calls([&](const std::string& line) { said.say(line); });
        CHECK(calls.start(1, nullptr, wait_for_stop));
        CHECK(calls.start("1", nullptr, wait_for_stop));
        CHECK(calls.start(2, nullptr, [](mcp_call&) { return std::string("two"); }));
        CHECK(said.wait_for(1) == std::vector<std::string>{"two"});
        calls.cancel(1);
        calls.cancel(2);
        calls.cancel(3);
        CHECK(calls.start(3, nullptr, [](mcp_call&) { return std::string("three"); }));
        CHECK(said.wait_for(2) == std::vector<std::string>{"two", "three"});
    }
    CHECK(said.wait_for(2) == std::vector<std::string>{"two", "three"});
}

TEST_CASE("no more calls wait than there may be, and one that has ended makes room") {
    said_lines said;
    mcp_calls calls([&](const std::string& line) { said.say(line); });
    for (std::size_t i = 0; i + 1 < mcp_calls::max_waiting; ++i)
        CHECK(calls.start(i, nullptr, wait_for_stop));
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(calls.start("last", nullptr, [](mcp_call&) { return std::string("ended"); }));
        said.wait_for(i + 1);
    }
    CHECK(calls.start("one more", nullptr, wait_for_stop));
    CHECK_FALSE(calls.start("too many", nullptr, wait_for_stop));
}

TEST_CASE("progress is told to whoever asked for it") {
    said_lines said;
    const mcp_calls::sink sink = [&](const std::string& line) { said.say(line); };
    CHECK_FALSE(mcp_call(nullptr, sink).wants_progress());
    const mcp_call call("t-1", sink);
    CHECK(call.wants_progress());
    call.tell_progress(5, 60, "Waiting");
    const auto message = nlohmann::json::parse(said.wait_for(1).front());
    CHECK(message["method"] == "notifications/progress");
    CHECK_FALSE(message.contains("id"));
    CHECK(message["params"] ==
          nlohmann::json::parse(R"({"progressToken":"t-1","progress":5.0,"total":60.0,"message":"Waiting"})"));
}
