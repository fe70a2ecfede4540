#include <algorithm>
#include <string>

#include "edge/forwarding.hpp"
#include "edge/gate.hpp"
#include "instatunnel/wire/http1.hpp"
#include "invariant.hpp"

using namespace instatunnel;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::require;

namespace {

constexpr std::string_view domain = "t.example.com";

void read_set_cookie(std::string_view value) {
    const bool reaches_all = edge::sets_cookie_for(value, domain);
    std::string upper(value);
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    require(edge::sets_cookie_for(upper, domain) == reaches_all, "case does not matter");
    const auto attributes = value.find(';');
    require(!reaches_all || attributes != std::string_view::npos, "name and value are no attributes");
    require(edge::sets_cookie_for(std::string(value) + "; Domain=t.example.com", domain), "any Domain is enough");
    if (attributes == std::string_view::npos) return;
    require(edge::sets_cookie_for("a=1" + std::string(value.substr(attributes)), domain) == reaches_all,
            "attributes alone decide");
}

bool has_our_cookie(std::string_view field) {
    while (!field.empty()) {
        const auto end = std::min(field.find(';'), field.size());
        auto pair = field.substr(0, end);
        while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t'))
            pair.remove_prefix(1);
        auto name = pair.substr(0, pair.find('='));
        while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
            name.remove_suffix(1);
        if (name == edge::gate::cookie_name) return true;
        field.remove_prefix(std::min(end + 1, field.size()));
    }
    return false;
}

void pass_gate(const edge::gate& gate, std::string_view value) {
    wire::request_head head;
    head.method = "GET";
    head.path = "/";
    head.fields = {{"Cookie", value}};
    auth::token_bucket tries({10, std::chrono::seconds(6)}, {});
    const auto verdict = gate.check(head, tries, {}, {});
    require(verdict.refusal.has_value(), "nobody guesses a cookie");
    std::string scratch;
    gate.hide(edge::gate::proof::cookie, head.fields, scratch);
    for (const auto& f : head.fields)
        require(!has_our_cookie(f.value), "our cookie does not travel on");
    if (value.find(edge::gate::cookie_name) == std::string_view::npos && !value.empty())
        require(head.fields.size() == 1 && head.fields[0].value == value, "cookies of the app stay as they are");
}

void read_form(const edge::gate& gate, std::string_view text) {
    auth::token_bucket tries({10, std::chrono::seconds(6)}, {});
    const auto answer = gate.sign_in(text, tries, {}, {});
    require(answer.status == 401, "nobody guesses the password");
    for (const auto& [name, field] : answer.fields)
        require(wire::is_field_value(field), "an answer is a valid one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    static const edge::gate gate({secret("correct horse battery staple"), secret("u:battery"), secret("s")},
                                 "demo.t.example.com");
    read_set_cookie(input.view());
    read_form(gate, input.view());
    if (wire::is_field_value(input.view())) pass_gate(gate, input.view());
    return 0;
}
