#pragma once

#include <string_view>

#include "instatunnel/base/form.hpp"

namespace instatunnel::service {

/// The fields of a query or of a form's body. What is not well written counts as nothing.
inline form form_fields(std::string_view text) {
    auto fields = form::parse(text);
    return fields ? std::move(*fields) : form();
}

}  // namespace instatunnel::service
