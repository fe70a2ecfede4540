#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "document_cache.hpp"
#include "id_token.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "metadata.hpp"
#include "token_answer.hpp"

namespace instatunnel::oidc {

/// What all sign-ins at one provider share.
struct provider_core {
    provider_core(provider_settings s, fetch::fetcher& by, std::function<wall_time()> clock);

    const provider_settings settings;
    fetch::fetcher& fetcher;
    const std::function<wall_time()> now;
    const std::shared_ptr<document_cache<provider_metadata>> metadata;
    const std::shared_ptr<document_cache<key_set>> keys;
};

/// One finish(): answer of the browser -> metadata -> code exchange -> keys -> ID token [-> newer keys] [-> userinfo].
/// Lives in the callbacks of what it waits for.
class sign_in_flow : public std::enable_shared_from_this<sign_in_flow> {
public:
    using callback = std::function<void(outcome<identity>)>;

    sign_in_flow(std::shared_ptr<provider_core> core, sign_in kept, const form& query, callback done);
    void start();

private:
    using metadata_ptr = std::shared_ptr<const provider_metadata>;
    using keys_ptr = std::shared_ptr<const key_set>;

    std::optional<failure> check_state() const;
    std::optional<failure> check_answer() const;
    void exchange_code();
    void take_tokens(outcome<fetch::response> answer);
    void take_keys(const outcome<keys_ptr>& keys);
    void look_for_newer_keys(const failure& why);
    void take_claims();
    void ask_userinfo();
    void take_userinfo(outcome<fetch::response> answer);
    outcome<id_token_claims> read_token(const key_set& keys) const;
    void succeed();

    const std::shared_ptr<provider_core> core_;
    const sign_in kept_;
    const form query_;
    const callback done_;
    metadata_ptr metadata_;
    token_answer tokens_;
    id_token_claims claims_;
};

}  // namespace instatunnel::oidc
