#include "instatunnel/oauth/refusal.hpp"

#include <stdexcept>

namespace instatunnel::oauth {

void throw_exception_from_error(const refusal& r, const boost::source_location&) {
    throw std::runtime_error("unexpected refusal: " + r.error);
}

refusal unavailable() {
    return {"temporarily_unavailable", "The service cannot answer this now. Try again in a moment", 503};
}

}  // namespace instatunnel::oauth
