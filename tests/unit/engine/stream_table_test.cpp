#include "engine/stream_table.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace instatunnel::engine;

TEST_CASE("the table of streams agrees with a map, whatever is inserted and erased") {
    const auto seed = GENERATE(21u, 22u, 23u);
    INFO("seed " << seed);
    std::mt19937 random(seed);
    stream_table table;
    std::map<std::uint32_t, stream*> model;
    std::uint32_t next = 1;
    std::vector<char> memory(200'000);
    const auto fake = [&](std::uint32_t id) { return reinterpret_cast<stream*>(memory.data() + id); };
    for (int step = 0; step < 50'000; ++step) {
        // Grows to hundreds, then shrinks, again and again.
        const bool growing = step / 2000 % 2 == 0;
        if (model.empty() || random() % 10 < (growing ? 7u : 3u)) {
            table.insert(next, fake(next));
            model[next] = fake(next);
            next += 2;
        } else {
            auto victim = model.lower_bound(static_cast<std::uint32_t>(random()) % next);
            if (victim == model.end()) victim = model.begin();
            table.erase(victim->first);
            table.erase(victim->first);
            model.erase(victim);
        }
        const std::uint32_t asked = static_cast<std::uint32_t>(random()) % next | 1u;
        const auto expected = model.find(asked);
        REQUIRE(table.find(asked) == (expected == model.end() ? nullptr : expected->second));
        REQUIRE(table.size() == model.size());
    }
    for (const auto& [id, value] : model)
        CHECK(table.find(id) == value);
    CHECK(table.ids().size() == model.size());
}
