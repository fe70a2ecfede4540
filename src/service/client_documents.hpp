#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/fetch/fetcher.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"
#include "work_queue.hpp"

namespace instatunnel::service {

/// OAuth clients whose id is the address of a document about them: fetched when they are needed, kept in the store like
/// other clients, fetched again when they are too old. On the service's thread.
class client_documents {
public:
    /// All outlive the object; `fetcher` may be null: then there are no such clients.
    client_documents(store::store& data, fetch::fetcher* fetcher, work_queue& queue, const tuning& t)
        : store_(data), fetcher_(fetcher), queue_(queue), tuning_(t) {}

    /// Makes sure that the store knows the client, if `id` is an address. Calls `then` with why it cannot be used, or
    /// with an empty text; now or, when something had to be fetched, later. Ask only for people who are signed in:
    /// nobody else may make this server send requests.
    void prepare(std::string_view id, std::function<void(std::string problem)> then);

private:
    bool is_fresh(const std::string& id);
    std::string keep(const std::string& id, const outcome<fetch::response>& got);

    store::store& store_;
    fetch::fetcher* fetcher_;
    work_queue& queue_;
    const tuning& tuning_;
    std::unordered_map<std::string, auth::steady_time> good_until_;
};

}  // namespace instatunnel::service
