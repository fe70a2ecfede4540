#include "instatunnel/wire/accept.hpp"

#include <cstddef>

#include "instatunnel/base/names.hpp"

namespace instatunnel::wire {
namespace {

// RFC 9110 §12.4.2 in thousandths; 1000 when there is none or it is malformed.
int quality(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto end = parameters.find(';');
        const auto parameter = trim(parameters.substr(0, end));
        parameters = end == std::string_view::npos ? std::string_view{} : parameters.substr(end + 1);
        if (parameter.size() < 3 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') continue;
        if (parameter[2] != '0') return 1000;
        int value = 0;
        for (std::size_t i = 4, unit = 100; i < parameter.size() && unit > 0; ++i, unit /= 10) {
            if (parameter[i] < '0' || parameter[i] > '9') return 1000;
            value += (parameter[i] - '0') * static_cast<int>(unit);
        }
        return value;
    }
    return 1000;
}

page_form form_of(std::string_view media_type) {
    if (iequals(media_type, "text/html")) return page_form::html;
    if (iequals(media_type, "application/json")) return page_form::json;
    const bool structured = media_type.size() > 5 && iequals(media_type.substr(media_type.size() - 5), "+json");
    return structured ? page_form::json : page_form::plain;
}

}  // namespace

page_form preferred_form(std::string_view accept) noexcept {
    page_form best = page_form::plain;
    int best_quality = 0;
    while (!accept.empty()) {
        const auto end = accept.find(',');
        const auto range = accept.substr(0, end);
        accept = end == std::string_view::npos ? std::string_view{} : accept.substr(end + 1);
        const auto semicolon = range.find(';');
        const auto candidate = form_of(trim(range.substr(0, semicolon)));
        if (candidate == page_form::plain) continue;
        const int q = semicolon == std::string_view::npos ? 1000 : quality(range.substr(semicolon + 1));
        if (q <= best_quality) continue;
        best = candidate;
        best_quality = q;
    }
    return best;
}

}  // namespace instatunnel::wire
