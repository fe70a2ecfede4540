#include "password.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t longest_password = 1024;

outcome<secret> read_password(context& c) {
    auto text = c.term.read_input(longest_password);
    if (!text) return text.error();
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    return secret(std::move(*text));
}

}  // namespace

outcome<secret> obtain_password(bool from_input, const std::string& instead, context& c) {
    if (!from_input && !c.term.can_prompt())
        return failure(errc::not_a_terminal, "A password is needed, and there is no terminal to ask on",
                       "Pipe it: " + instead);
    auto password = from_input ? read_password(c) : c.ask.ask_hidden("🔒 Password: ");
    if (password && password->empty()) return failure(errc::usage, "The password is empty", "Pipe it: " + instead);
    return password;
}

}  // namespace instatunnel::cli
