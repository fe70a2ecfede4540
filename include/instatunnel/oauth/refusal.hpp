#pragma once

#include <boost/system/result.hpp>
#include <string>

#include "instatunnel/base/error.hpp"

namespace instatunnel::oauth {

/// No, in the words that clients know: RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 8707 §2.
struct refusal {
    std::string error;        ///< "invalid_grant"
    std::string description;  ///< for whoever writes the client; holds nothing secret
    int status = 400;
};

[[noreturn]] void throw_exception_from_error(const refusal& r, const boost::source_location& where);

template <class T>
using answer = boost::system::result<T, refusal>;

/// The store failed: "temporarily_unavailable", 503. Nothing of the cause goes out.
refusal unavailable();

}  // namespace instatunnel::oauth
