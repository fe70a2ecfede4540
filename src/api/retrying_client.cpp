#include "instatunnel/api/retrying_client.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "instatunnel/base/random.hpp"
#include "retry_after.hpp"

namespace instatunnel::api {
namespace {

using std::chrono::milliseconds;

constexpr double most_extra_wait = 0.1;

bool says_not_now(const http_reply& reply) {
    return reply.status == 429 || reply.status == 503;
}

bool is_idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

milliseconds scaled(milliseconds length, double factor) {
    return std::chrono::duration_cast<milliseconds>(length * factor);
}

class retrying_client final : public http_client {
public:
    retrying_client(std::unique_ptr<http_client> inner, retry_policy policy, retry_seams seams)
        : inner_(std::move(inner)), policy_(policy), seams_(std::move(seams)) {}

    outcome<http_reply> send(std::string_view method, const std::string& url,
                             const std::vector<std::pair<std::string, std::string>>& fields, std::string_view body,
                             milliseconds limit) override {
        milliseconds waited{0};
        for (int tries = 1;; ++tries) {
            auto reply = inner_->send(method, url, fields, body, limit);
            const bool again = reply && says_not_now(*reply) && is_idempotent(method) && tries < policy_.max_tries;
            if (!again) return reply;
            const auto wait = wait_after(*reply, tries);
            if (waited + wait > policy_.max_total_wait) return reply;
            seams_.before_wait(wait);
            seams_.sleep(wait);
            waited += wait;
        }
    }

private:
    milliseconds wait_after(const http_reply& refusal, int tries) const {
        const auto body = nlohmann::json::parse(refusal.body.reveal(), nullptr, /*allow_exceptions=*/false);
        if (const auto asked = retry_after(refusal, body))
            return *asked + scaled(*asked, most_extra_wait * seams_.random());
        const auto doubled = policy_.first_wait * (1 << std::min(tries - 1, 16));
        const auto longest = std::min(doubled, policy_.longest_wait);
        // Half of it is certain, so that a client cannot come back at once by chance.
        return scaled(longest, 0.5 + 0.5 * seams_.random());
    }

    std::unique_ptr<http_client> inner_;
    retry_policy policy_;
    retry_seams seams_;
};

}  // namespace

std::unique_ptr<http_client> make_retrying_client(std::unique_ptr<http_client> inner, retry_policy policy,
                                                  retry_seams seams) {
    return std::make_unique<retrying_client>(std::move(inner), policy, std::move(seams));
}

retry_seams real_retry_seams(std::function<void(milliseconds)> before_wait) {
    constexpr std::uint64_t steps = 1u << 20;
    return {[](milliseconds length) { std::this_thread::sleep_for(length); }, std::move(before_wait),
            [] { return static_cast<double>(random_below(steps)) / static_cast<double>(steps); }};
}

}  // namespace instatunnel::api
