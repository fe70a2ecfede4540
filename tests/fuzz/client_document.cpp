#include <string>

#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/oauth/client_document.hpp"
#include "invariant.hpp"

using namespace instatunnel;
using fuzz::require;

// Up to the first line end: the client's id; behind it: the document, then the Cache-Control field in its turn.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
    const auto text = input.view();
    const auto life = oauth::client_document_life(text);
    require(life.count() >= 300 && life.count() <= 86400, "a document's life is bounded");

    const auto line = std::min(text.find('\n'), text.size());
    const auto id = text.substr(0, line);
    const bool is_url = oauth::check_client_document_url(id).has_value();
    const auto client = oauth::read_client_document(id, text.substr(std::min(line + 1, text.size())), wall_time());
    if (!client) return 0;
    require(is_url && client->id == id, "the client is the one of the address");
    require(client->secret_digest.empty() && client->account_id.empty(), "it is a public client of nobody");
    require(client->name.size() <= 120 && client->redirect_uris.size() <= 16, "what is kept is bounded");
    require(!client->grants.empty() && client->grants.size() <= 3, "it may do something, and nothing unknown");
    for (const auto& uri : client->redirect_uris)
        require(auth::check_redirect_uri(uri).has_value(), "every redirect address is usable");
    return 0;
}
