#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/audit_records.hpp"

namespace instatunnel::service {

/// The hashes that hold the audit log together (docs/design/audit-chain.md). Keyed: who can write to the database and
/// does not know the key cannot make them.
class audit_chain {
public:
    /// `pepper` is the secret of the data folder, kept outside of the database.
    explicit audit_chain(const secret& pepper);

    /// Of `record` after the record whose hash is `previous`; empty `previous`: the first one. HMAC-SHA-256.
    std::string hash(std::string_view previous, const store::audit_record& record) const;
    std::string seal(const store::audit_anchor& anchor) const;

    bool fits(std::string_view previous, const store::audit_record& record) const;
    bool fits(const store::audit_anchor& anchor) const;

private:
    secret key_;
};

}  // namespace instatunnel::service
