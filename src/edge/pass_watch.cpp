#include "pass_watch.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

using service::visitor_verdict;

void look_at_passes(worker& w, bool all) {
    std::vector<service::visitor_again> questions;
    auto asked = std::make_shared<std::vector<std::shared_ptr<visitor_pass>>>();
    w.passes.each_under_way(wall_now(), all, [&](const std::shared_ptr<visitor_pass>& pass) {
        // One that is being asked about gets an answer that knows of the change: the service's queue is in order.
        if (std::exchange(pass->asking, true)) return;
        questions.push_back(
            {pass->token_id, pass->user_id, pass->client_id, pass->host, pass->account_id, pass->users});
        asked->push_back(pass);
    });
    if (questions.empty()) return;
    w.accounts.check_again(std::move(questions), [&w, asked](std::vector<visitor_verdict> verdicts) {
        w.loop.post([&w, asked, verdicts = std::move(verdicts)] {
            for (std::size_t i = 0; i < asked->size(); ++i) {
                auto& pass = *(*asked)[i];
                pass.asking = false;
                const auto verdict = i < verdicts.size() ? verdicts[i] : visitor_verdict::unavailable;
                if (verdict != visitor_verdict::good && verdict != visitor_verdict::unavailable) w.passes.end(pass);
            }
            asked->clear();  // they belong to this thread, also the last of them
        });
    });
}

}  // namespace instatunnel::edge
