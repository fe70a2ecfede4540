#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "markup.hpp"

/// What all pages of the service have in common. They work without JavaScript, load nothing, cannot be framed, follow
/// the reader's light or dark preference, and can be used with a keyboard or a screen reader alone.
namespace instatunnel::service {

/// A narrow page about one thing: sign-in, consent, the links in mails.
std::string small_page(std::string_view domain, std::string_view title, const markup& content);

/// A page of the account area. `current` is the path of its own entry in the navigation.
struct account_frame {
    std::string_view domain;
    std::string_view email;
    std::string_view csrf;
    std::string_view current;
};
std::string account_page(const account_frame& frame, std::string_view title, const markup& content);

/// `text` as a box that screen readers announce.
void add_problem(markup& m, std::string_view text);
void add_notice(markup& m, std::string_view text);

using header_fields = std::vector<std::pair<std::string, std::string>>;

/// Header fields that every page carries beside those of every answer. `form_target`: a further source that answers to
/// forms may lead to (browsers apply form-action to redirects as well); empty: none.
header_fields page_fields(std::string_view form_target = {});

/// The source expression of Content-Security-Policy that covers an address: its origin, or its scheme where no origin
/// can be written.
std::string source_of(std::string_view address);

}  // namespace instatunnel::service
