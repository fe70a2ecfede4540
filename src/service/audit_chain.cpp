#include "audit_chain.hpp"

#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::service {
namespace {

// LENGTH:BYTES, so that no two different records give the same text.
void add(std::string& text, std::string_view field) {
    text += std::to_string(field.size());
    text += ':';
    text += field;
}

}  // namespace

audit_chain::audit_chain(const secret& pepper) : key_(auth::derive_secret(pepper, "instatunnel audit chain 1")) {}

std::string audit_chain::hash(std::string_view previous, const store::audit_record& r) const {
    std::string text = "record";
    add(text, previous);
    add(text, std::to_string(r.seq));
    add(text, std::to_string(r.at.time_since_epoch().count()));
    for (const auto* field :
         {&r.actor_kind, &r.actor, &r.account_id, &r.action, &r.target, &r.address, &r.result, &r.detail})
        add(text, *field);
    return hmac_sha256(key_.reveal(), text);
}

std::string audit_chain::seal(const store::audit_anchor& anchor) const {
    std::string text = "anchor";
    add(text, std::to_string(anchor.seq));
    add(text, anchor.hash);
    return hmac_sha256(key_.reveal(), text);
}

bool audit_chain::fits(std::string_view previous, const store::audit_record& record) const {
    return constant_time_equal(record.hash, hash(previous, record));
}

bool audit_chain::fits(const store::audit_anchor& anchor) const {
    return anchor.seq == 0 || constant_time_equal(anchor.seal, seal(anchor));
}

}  // namespace instatunnel::service
