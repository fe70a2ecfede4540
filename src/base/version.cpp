#include "instatunnel/base/version.hpp"

namespace instatunnel {

std::string_view version() noexcept {
    return IT_VERSION;
}

}  // namespace instatunnel
