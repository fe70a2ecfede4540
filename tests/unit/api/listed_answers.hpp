#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "instatunnel/api/http_client.hpp"

namespace instatunnel::test {

/// Answers from a list; keeps what it was asked. An unexpected request fails the test.
class listed_answers final : public api::http_client {
public:
    struct request {
        std::string method, url, body, authorization, content_type;
    };

    listed_answers& answer(int status, std::string body, std::vector<std::pair<std::string, std::string>> fields = {}) {
        api::http_reply reply;
        reply.status = status;
        reply.fields = std::move(fields);
        reply.body = secret(std::move(body));
        answers_.push_back(std::move(reply));
        return *this;
    }

    outcome<api::http_reply> send(std::string_view method, const std::string& url,
                                  const std::vector<std::pair<std::string, std::string>>& fields, std::string_view body,
                                  std::chrono::milliseconds) override {
        request asked{std::string(method), url, std::string(body), {}, {}};
        for (const auto& [name, value] : fields) {
            if (name == "Authorization") asked.authorization = value;
            if (name == "Content-Type") asked.content_type = value;
        }
        requests.push_back(std::move(asked));
        if (answers_.empty()) return failure(errc::internal, "nothing more was expected");
        auto next = std::move(answers_.front());
        answers_.pop_front();
        return next;
    }

    std::vector<request> requests;

private:
    std::deque<outcome<api::http_reply>> answers_;
};

}  // namespace instatunnel::test
