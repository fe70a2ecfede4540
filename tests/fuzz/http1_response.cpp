#include <algorithm>
#include <string>

#include "instatunnel/wire/http1.hpp"
#include "invariant.hpp"

using namespace instatunnel::wire;
using instatunnel::fuzz::require;

namespace {

// Small enough for the fuzzer to reach every limit.
const http1_limits small_limits{.max_start_line = 64, .max_field = 48, .max_head = 256, .max_fields = 4};

std::string describe(const response_head& head) {
    std::string text = std::string(head.reason) + "\n";
    for (const auto& f : head.fields)
        text += std::string(f.name) + ":" + std::string(f.value) + "\n";
    for (const auto number :
         {static_cast<std::uint64_t>(head.status), static_cast<std::uint64_t>(head.minor_version),
          static_cast<std::uint64_t>(head.body), head.content_length, std::uint64_t{head.keep_alive}})
        text += std::to_string(number) + "\n";
    return text;
}

void check_head(const response_head& head, const parse_result& result, std::string_view input, std::string_view method,
                const http1_limits& limits) {
    require(result.consumed <= std::min(input.size(), limits.max_head), "the head lies within input and limit");
    const auto bytes = input.substr(0, result.consumed);
    require(bytes.ends_with("\n\r\n") || bytes.ends_with("\n\n"), "a head ends with an empty line");
    require(head.status >= 100 && head.status <= 999, "a status has three digits");
    require(is_field_value(head.reason), "the reason has no control bytes");
    const bool bodiless = method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
    require(bodiless == (head.body == body_kind::none), "a body is there when there can be one");
    require(head.body != body_kind::until_close || !head.keep_alive, "what ends with its connection ends it");
    require(head.body == body_kind::length || head.content_length == 0, "no length without Content-Length");
    require(head.fields.size() <= limits.max_fields, "fields are bounded");
    require(instatunnel::fuzz::lies_within(head.reason, bytes), "the reason lies within the head");
    for (const auto& f : head.fields) {
        require(is_token(f.name) && is_field_value(f.value), "fields are valid, folded ones too");
        require(instatunnel::fuzz::lies_within(f.name, bytes) && instatunnel::fuzz::lies_within(f.value, bytes),
                "fields lie within the head");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const instatunnel::fuzz::steered_input input(data, size);
    const http1_limits limits = input.option(0) ? small_limits : http1_limits{};
    const std::string_view method = input.option(1) ? "HEAD" : "GET";

    instatunnel::fuzz::exact_copy whole(input.text);
    response_head head;
    const auto expected = parse_response_head(whole.data(), input.text.size(), 0, method, limits, head);
    if (expected.status == parse_status::done) check_head(head, expected, whole.view(), method, limits);
    if (expected.status == parse_status::invalid)
        require(expected.http_status == 502 && !expected.reason.empty(), "a refusal is a bad gateway with a reason");

    // What the parser wrote into the buffer (joined lines) stays there for the next piece.
    std::string kept;
    response_head pieces;
    parse_result result;
    while (result.status == parse_status::incomplete && kept.size() < input.text.size()) {
        const std::size_t seen = kept.size();
        kept += input.text.substr(seen, input.piece());
        instatunnel::fuzz::exact_copy part(kept);
        result = parse_response_head(part.data(), kept.size(), seen, method, limits, pieces);
        kept = part.view();
        if (result.status != parse_status::done) continue;
        require(expected.status == parse_status::done, "pieces are accepted only if the whole is");
        require(result.consumed == expected.consumed, "pieces end where the whole does");
        require(describe(pieces) == describe(head), "pieces mean what the whole does");
    }
    require(expected.status != parse_status::done || result.status == parse_status::done,
            "pieces are accepted if the whole is");
    require(expected.status != parse_status::incomplete || result.status == parse_status::incomplete,
            "pieces are refused only if the whole is");
    return 0;
}
