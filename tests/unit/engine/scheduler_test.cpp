#include "instatunnel/engine/scheduler.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::engine;

TEST_CASE("an empty scheduler has nothing") {
    scheduler s;
    CHECK(s.empty());
    CHECK(s.pop() == nullptr);
}

TEST_CASE("streams of one class take turns in the order they came") {
    for (const auto p : {priority::interactive, priority::bulk}) {
        scheduler s;
        std::array<schedule_link, 5> links;
        for (auto& l : links)
            s.push(l, p);
        s.push(links[0], p);  // stands already
        for (int round = 0; round < 20; ++round)
            for (auto& l : links) {
                REQUIRE(s.pop() == &l);
                CHECK_FALSE(s.is_queued(l));
                s.push(l, p);
            }
    }
}

TEST_CASE("removing takes a stream out wherever it stands") {
    for (int victim = 0; victim < 3; ++victim) {
        scheduler s;
        std::array<schedule_link, 3> links;
        for (auto& l : links)
            s.push(l, priority::bulk);
        s.remove(links[static_cast<std::size_t>(victim)]);
        s.remove(links[static_cast<std::size_t>(victim)]);
        for (int i = 0; i < 3; ++i)
            if (i != victim) CHECK(s.pop() == &links[static_cast<std::size_t>(i)]);
        CHECK(s.empty());
    }
}

TEST_CASE("while both wait, bulk has one turn of nine") {
    scheduler s;
    std::array<schedule_link, 3> interactive, bulk;
    for (auto& l : interactive)
        s.push(l, priority::interactive);
    for (auto& l : bulk)
        s.push(l, priority::bulk);
    const auto is_bulk = [&](const schedule_link* l) { return l >= bulk.begin() && l < bulk.end(); };
    std::string turns;
    for (int i = 0; i < 36; ++i) {
        auto* l = s.pop();
        turns += is_bulk(l) ? 'B' : 'i';
        s.push(*l, is_bulk(l) ? priority::bulk : priority::interactive);
    }
    CHECK(turns == "iiiiiiiiBiiiiiiiiBiiiiiiiiBiiiiiiiiB");
}

TEST_CASE("an interactive stream waits for one bulk turn at most, and bulk never starves, whatever comes and goes") {
    const auto seed = GENERATE(11u, 12u, 13u, 14u);
    INFO("seed " << seed);
    std::mt19937 random(seed);
    scheduler s;
    std::array<schedule_link, 12> links;
    std::map<schedule_link*, priority> waiting;
    unsigned bulk_in_row = 0, interactive_in_row = 0;
    const auto waits = [&](priority p) {
        return std::ranges::any_of(waiting, [p](const auto& entry) { return entry.second == p; });
    };
    for (int step = 0; step < 20'000; ++step) {
        auto& l = links[random() % links.size()];
        switch (random() % 5) {
            case 0:
                s.remove(l);
                waiting.erase(&l);
                break;
            case 1:
            case 2: {
                const auto p = random() % 3 == 0 ? priority::bulk : priority::interactive;
                s.push(l, p);
                waiting[&l] = p;
                break;
            }
            default: {
                const bool both = waits(priority::interactive) && waits(priority::bulk);
                auto* next = s.pop();
                REQUIRE((next != nullptr) == !waiting.empty());
                if (next == nullptr) break;
                REQUIRE(waiting.contains(next));
                const bool is_bulk = waiting[next] == priority::bulk;
                waiting.erase(next);
                bulk_in_row = both && is_bulk ? bulk_in_row + 1 : 0;
                interactive_in_row = both && !is_bulk ? interactive_in_row + 1 : 0;
                REQUIRE(bulk_in_row <= 1);
                REQUIRE(interactive_in_row <= scheduler::interactive_weight);
            }
        }
        REQUIRE(s.empty() == waiting.empty());
    }
}

TEST_CASE("a message passes a bulk transfer that fills the lane") {
    using namespace instatunnel::test;
    scripted_peer peer(role::edge);
    auto& bulk = peer.end.open(request("POST", "/bulk"));
    auto& chat = peer.end.open(request("GET", "/chat"));
    peer.send(frame_type::credit, 0, 0, credit_entry(1, 0x7000'0000));
    // Past the first bytes, which count as interactive for every stream; then the lane is full.
    for (int i = 0; i < 12; ++i)
        bulk.stream->write(std::string(16'000, 'b'));
    peer.end.flush();
    while (!bulk.stream->is_congested())
        bulk.stream->write(std::string(16'000, 'b'));
    REQUIRE(peer.end.wire.size() >= session::lane_high_water);
    chat.stream->write("hello", /*push=*/true);
    peer.end.wire.clear();
    const auto frames = peer.end.take_frames();
    const auto first = std::ranges::find(frames, 3u, &sent_frame::stream);
    REQUIRE(first != frames.end());
    CHECK(first - frames.begin() <= 1);
    CHECK((first->flags & flag::push) != 0);
}

TEST_CASE("bulk streams share the lane evenly") {
    using namespace instatunnel::test;
    scripted_peer peer(role::edge);
    std::vector<stream_owner*> owners;
    std::string credits;
    for (std::uint32_t i = 0; i < 4; ++i) {
        owners.push_back(&peer.end.open(request("POST")));
        credits += credit_entry(2 * i + 1, 10'000'000);
    }
    peer.send(frame_type::credit, 0, 0, credits);
    for (auto* o : owners)
        o->on_each_drained = [](stream_owner& self) {
            while (!self.stream->is_congested())
                self.stream->write(std::string(16'000, 'b'));
        };
    for (auto* o : owners)
        o->on_each_drained(*o);
    // What was written while nothing waited left at once, without a turn.
    std::vector<std::uint64_t> unscheduled;
    for (const auto* o : owners)
        unscheduled.push_back(o->stream->bytes_sent());
    for (int i = 0; i < 40; ++i) {
        peer.end.session.flush();
        peer.end.wire.clear();
    }
    std::uint64_t least = UINT64_MAX, most = 0;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const auto sent = owners[i]->stream->bytes_sent() - unscheduled[i];
        least = std::min(least, sent);
        most = std::max(most, sent);
    }
    CHECK(least > 500'000);
    CHECK(most - least <= 3 * wire::itp::max_data_payload);
}
