#pragma once

#include <string>

#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

/// An account that register is about to make.
struct new_account {
    store::user owner;
    std::string label;          ///< of its first key
    std::string invite_digest;  ///< of the code it comes by; empty: none
    std::string invitation_id;
};

}  // namespace instatunnel::service
