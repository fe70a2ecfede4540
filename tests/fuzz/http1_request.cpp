#include <algorithm>
#include <string>

#include "instatunnel/wire/http1.hpp"
#include "invariant.hpp"

using namespace instatunnel::wire;
using instatunnel::fuzz::require;

namespace {

// Small enough for the fuzzer to reach every limit.
const http1_limits small_limits{.max_start_line = 64, .max_field = 48, .max_head = 256, .max_fields = 4};

std::string describe(const request_head& head) {
    std::string text;
    for (const auto part : {head.method, head.target, head.path, head.authority, head.upgrade})
        text += std::string(part) + "\n";
    for (const auto& f : head.fields)
        text += std::string(f.name) + ":" + std::string(f.value) + "\n";
    for (const auto number : {static_cast<std::uint64_t>(head.minor_version), static_cast<std::uint64_t>(head.body),
                              head.content_length, std::uint64_t{head.keep_alive}, std::uint64_t{head.expect_continue}})
        text += std::to_string(number) + "\n";
    return text;
}

void check_head(const request_head& head, const parse_result& result, std::string_view input,
                const http1_limits& limits) {
    require(result.consumed <= std::min(input.size(), limits.max_head), "the head lies within input and limit");
    const auto bytes = input.substr(0, result.consumed);
    require(bytes.ends_with("\r\n\r\n"), "a head ends with an empty line");
    require(is_token(head.method), "the method is a token");
    require(head.path.starts_with('/') || (head.path == "*" && head.method == "OPTIONS"), "the path can be forwarded");
    require(head.minor_version == 0 || !head.authority.empty(), "an HTTP/1.1 request has an authority");
    require(head.minor_version == 1 || head.body != body_kind::chunked, "HTTP/1.0 is never chunked");
    require(head.body != body_kind::until_close, "a request never ends with its connection");
    require(head.body == body_kind::length || head.content_length == 0, "no length without Content-Length");
    require(head.fields.size() <= limits.max_fields, "fields are bounded");
    // The path of a URL without one is not in the bytes.
    const std::string_view path = head.path == "/" || head.path == "*" ? std::string_view{} : head.path;
    for (const auto part : {head.method, head.target, path, head.authority, head.upgrade})
        require(instatunnel::fuzz::lies_within(part, bytes), "views lie within the head");
    for (const auto& f : head.fields) {
        require(is_token(f.name) && is_field_value(f.value), "fields are valid");
        require(instatunnel::fuzz::lies_within(f.name, bytes) && instatunnel::fuzz::lies_within(f.value, bytes),
                "fields lie within the head");
    }
}

void check_refusal(const parse_result& result) {
    const int status = result.http_status;
    require(status == 400 || status == 414 || status == 431 || status == 501 || status == 505, "a known status");
    require(!result.reason.empty(), "a refusal has a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const instatunnel::fuzz::steered_input input(data, size);
    const http1_limits limits = input.option(0) ? small_limits : http1_limits{};

    const instatunnel::fuzz::exact_copy whole(input.text);
    request_head head;
    const auto expected = parse_request_head(whole.view(), 0, limits, head);
    if (expected.status == parse_status::done) check_head(head, expected, whole.view(), limits);
    if (expected.status == parse_status::invalid) check_refusal(expected);

    request_head pieces;
    parse_result result;
    std::size_t seen = 0;
    while (result.status == parse_status::incomplete && seen < input.text.size()) {
        const std::size_t next = std::min(seen + input.piece(), input.text.size());
        const instatunnel::fuzz::exact_copy part(input.text.substr(0, next));
        result = parse_request_head(part.view(), seen, limits, pieces);
        seen = next;
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
