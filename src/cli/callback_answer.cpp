#include "callback_answer.hpp"

#include <algorithm>

#include "instatunnel/base/form.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

using callback_kind = callback_answer::kind;

constexpr std::size_t max_parameters = 16;
constexpr std::size_t max_code = 1024;
constexpr std::size_t max_description = 200;

bool is_opaque(std::string_view value) {
    return !value.empty() && value.size() <= max_code &&
           std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f; });
}

// A parameter that stands there twice is no answer (RFC 6749 §3.1).
bool is_once(const form& query, std::string_view name, std::string_view value) {
    return query.count(name) == 1 && constant_time_equal(query.value(name), value);
}

callback_answer of(callback_kind what) {
    callback_answer answer;
    answer.what = what;
    return answer;
}

}  // namespace

std::string callback_host(std::uint16_t port) {
    return "127.0.0.1:" + std::to_string(port);
}

callback_answer read_callback(const wire::request_head& head, const callback_expected& expected) {
    const auto split = std::min(head.path.find('?'), head.path.size());
    if (head.method != "GET" || head.authority != callback_host(expected.port) ||
        head.path.substr(0, split) != callback_path)
        return of(callback_kind::elsewhere);
    const auto query = form::parse(head.path.substr(std::min(split + 1, head.path.size())), max_parameters);
    if (!query || !is_once(*query, "state", expected.state)) return of(callback_kind::wrong_state);
    if (!is_once(*query, "iss", expected.issuer)) return of(callback_kind::foreign_issuer);
    callback_answer answer;
    if (query->count("error") == 1) {
        answer.what = callback_kind::refused;
        answer.error = printable(query->value("error").substr(0, max_description));
        answer.description = printable(query->value("error_description").substr(0, max_description));
        return answer;
    }
    if (query->count("code") != 1 || !is_opaque(query->value("code"))) return of(callback_kind::malformed);
    answer.what = callback_kind::code;
    answer.code = secret(std::string(query->value("code")));
    return answer;
}

}  // namespace instatunnel::cli
