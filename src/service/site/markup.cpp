#include "markup.hpp"

#include "instatunnel/base/encoding.hpp"

namespace instatunnel::service {

markup& markup::text(std::string_view anything) {
    html_ += escape_html(anything);
    return *this;
}

markup& markup::hidden(std::string_view name, std::string_view value) {
    return raw("<input type=\"hidden\" name=\"").text(name).raw("\" value=\"").text(value).raw("\">");
}

}  // namespace instatunnel::service
