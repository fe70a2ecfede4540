#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"

namespace instatunnel::service {

/// HTML under construction: raw() is ours, text() may come from anywhere and is escaped.
class markup {
public:
    markup& raw(std::string_view html) {
        html_ += html;
        return *this;
    }
    markup& text(std::string_view anything);
    /// <input type="hidden">
    markup& hidden(std::string_view name, std::string_view value);
    /// "2026-11-29 13:24 UTC", exact for programs.
    markup& time(wall_time when);
    const std::string& html() const noexcept { return html_; }

private:
    std::string html_;
};

}  // namespace instatunnel::service
