#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call_limits.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

/// An answer of the API that is not what was asked for. Empty members are left out.
struct api_error {
    int status = 500;
    std::string message;
    std::string field;           ///< the culprit
    std::string required_scope;  ///< with 403
    std::string reason;          ///< with 401 and some 403: which of the reasons, in the words of code_name()
    std::string plan;            ///< with 403: whose limit was met,
    std::string limit;           ///< and which
    std::chrono::seconds retry_after{0};
    std::string allow;  ///< with 405: the Allow field
};

/// The one table from failure to HTTP status. Nothing of the machine (paths, causes) gets into the message.
api_error error_for(const failure& f);
/// An answer that stands for no failure.
api_error error_with_status(int status, std::string_view message);
/// The `error` and `code` of every answer with that status; word_for(500) for a status that the API does not use.
std::string_view word_for(int status) noexcept;
int code_for(int status) noexcept;

/// One request on its way through the API: what was asked, who asks, and the one answer. Answers 503 by itself if it is
/// dropped without one, so that no caller waits for ever.
class call {
public:
    call(api_request asked, service::api_callback done);
    ~call();
    call(const call&) = delete;
    call& operator=(const call&) = delete;

    void reply(int status, const nlohmann::ordered_json& body);
    /// `text` is JSON already.
    void reply_json(int status, std::string text);
    void reply_empty();
    /// A page; `fields` as page_fields().
    void reply_page(int status, const std::vector<std::pair<std::string, std::string>>& fields, std::string html);
    /// 303: the browser goes there with GET.
    void redirect(std::string location);
    void fail(const api_error& error);
    void fail(const failure& f) { fail(error_for(f)); }
    void fail(const failure& f, std::string field);

    /// First value of a header field, empty if there is none.
    std::string_view field(std::string_view name) const;
    /// Names this call in answers and the log.
    const std::string& id() const noexcept { return id_; }

    api_request request;
    std::string path;                                         ///< without "/v1"
    bool versioned;                                           ///< "/v1" was there
    std::string parameter;                                    ///< what stood for the pattern's ":id"
    store::api_key key;                                       ///< of the caller, on routes that need one
    std::string_view pattern;                                 ///< of the route that was found
    std::vector<std::pair<std::string, std::string>> added;   ///< fields that the answer carries whatever it is
    std::string person;                                       ///< id of the user who is signed in, on pages
    std::function<void(call&, const api_error&)> show_error;  ///< on pages: answers instead of JSON
    std::string support;                                      ///< whom answers about limits name; may be empty
    quota tightest;                                           ///< of the limits that were asked; limit 0: none was

private:
    void send(api_response response);
    void note(int status) const;

    std::string id_;
    service::api_callback done_;
};

/// Shared, because std::function, which carries it from thread to thread, cannot own what cannot be copied.
using call_ptr = std::shared_ptr<call>;

}  // namespace instatunnel::service
