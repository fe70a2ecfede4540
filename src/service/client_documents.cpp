#include "client_documents.hpp"

#include <utility>

#include "instatunnel/oauth/client_document.hpp"

namespace instatunnel::service {
namespace {

// What is not used is removed a day later, so this many in a day means that something else is wrong.
constexpr std::uint64_t max_document_clients = 10000;
constexpr std::size_t max_remembered = 10000;

}  // namespace

bool client_documents::is_fresh(const std::string& id) {
    const auto known = good_until_.find(id);
    if (known == good_until_.end() || known->second <= tuning_.steady()) return false;
    // The owner may have removed it meanwhile.
    const auto client = store_.find_client(id);
    return client && *client;
}

void client_documents::prepare(std::string_view id, std::function<void(std::string)> then) {
    if (!oauth::is_client_document_id(id)) return then({});
    if (fetcher_ == nullptr) return then("Apps that describe themselves by an address are not accepted here");
    if (auto usable = oauth::check_client_document_url(id); !usable) return then(usable.error().description);
    const std::string url(id);
    if (is_fresh(url)) return then({});
    const auto count = store_.count_clients(store::client_origin::document);
    if (!count || *count >= max_document_clients) return then("Too many apps are known here already; try again later");
    fetch::request request;
    request.url = url;
    request.max_bytes = oauth::max_client_document;
    auto fetched = [this, url, then](outcome<fetch::response> got) {
        auto shared = std::make_shared<outcome<fetch::response>>(std::move(got));
        queue_.post_continuation([this, url, then, shared] { then(keep(url, *shared)); });
    };
    if (auto started = fetcher_->start(std::move(request), std::move(fetched)); !started)
        then("Its description cannot be fetched now: " + std::string(started.error().what()));
}

std::string client_documents::keep(const std::string& id, const outcome<fetch::response>& got) {
    if (!got) return "Its description cannot be fetched: " + std::string(got.error().what());
    if (got->status != 200) return "Its description cannot be fetched: status " + std::to_string(got->status);
    if (!got->is_json()) return "Its description is not JSON";
    const auto client = oauth::read_client_document(id, got->body.reveal(), tuning_.now());
    if (!client) return "Its description cannot be used: " + client.error().description;
    if (auto stored = store_.put_client(*client); !stored) return "The server is busy; try again later";
    if (good_until_.size() >= max_remembered) good_until_.clear();
    good_until_[id] = tuning_.steady() + oauth::client_document_life(got->cache_control);
    return {};
}

}  // namespace instatunnel::service
