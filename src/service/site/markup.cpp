#include "markup.hpp"

#include "instatunnel/base/encoding.hpp"

namespace instatunnel::service {

markup& markup::text(std::string_view anything) {
    html_ += escape_html(anything);
    return *this;
}

markup& markup::time(wall_time when) {
    const auto exact = to_rfc3339(when);
    const auto shown = exact.substr(0, 10) + " " + exact.substr(11, 5) + " UTC";
    return raw("<time datetime=\"").text(exact).raw("\">").text(shown).raw("</time>");
}

markup& markup::hidden(std::string_view name, std::string_view value) {
    return raw("<input type=\"hidden\" name=\"").text(name).raw("\" value=\"").text(value).raw("\">");
}

}  // namespace instatunnel::service
