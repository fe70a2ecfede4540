#include <string>

#include "instatunnel/wire/itp_head.hpp"
#include "invariant.hpp"

using namespace instatunnel::wire;
using namespace instatunnel::wire::itp;
using instatunnel::fuzz::require;

namespace {

void check_fields(const std::vector<field>& fields, std::string_view payload) {
    require(fields.size() <= 1000, "fields are bounded");
    for (const auto& f : fields) {
        require(is_token(f.name) && is_field_value(f.value), "fields are valid");
        require(!is_hop_by_hop(f.name), "fields of a connection do not travel");
        require(instatunnel::fuzz::lies_within(f.value, payload), "values lie within the payload");
    }
}

void same_fields(const std::vector<field>& a, const std::vector<field>& b) {
    require(a.size() == b.size(), "the same fields again");
    for (std::size_t i = 0; i < a.size(); ++i)
        require(a[i].name == b[i].name && a[i].value == b[i].value, "the same fields again");
}

void open(std::string_view payload) {
    open_head head, again;
    if (!decode_open(payload, head)) return;
    check_fields(head.fields, payload);
    std::string encoded;
    encode_open(encoded, head);
    require(encoded.size() <= payload.size(), "our encoding is the shortest");
    require(decode_open(encoded, again), "what we encode is accepted");
    require(head.kind == again.kind && head.tunnel == again.tunnel && head.request_id == again.request_id,
            "the same preamble");
    require(head.visitor.family == again.visitor.family && head.visitor.port == again.visitor.port, "the same visitor");
    require(head.visitor.family == 0 || head.visitor.bytes == again.visitor.bytes, "the same visitor");
    same_fields(head.fields, again.fields);
    if (head.kind != stream_kind::http) return;
    require(is_token(head.method) && !head.path.empty(), "a request has a method and a path");
    require(head.path.find_first_of(" \r\n\t") == std::string_view::npos, "a path has no blanks");
    require(head.https == again.https && head.http_version == again.http_version, "the same version");
    require(head.method == again.method && head.authority == again.authority && head.path == again.path,
            "the same request");
    require(head.protocol == again.protocol && head.content_length == again.content_length, "the same request");
}

void reply(std::string_view payload) {
    reply_head head, again;
    if (!decode_reply(payload, head)) return;
    require(head.status >= 100 && head.status <= 999 && head.content_length >= -1, "a reply makes sense");
    check_fields(head.fields, payload);
    std::string encoded;
    encode_reply(encoded, head);
    require(decode_reply(encoded, again), "what we encode is accepted");
    require(head.status == again.status && head.content_length == again.content_length, "the same reply");
    same_fields(head.fields, again.fields);
}

void trailers(std::string_view payload) {
    std::vector<field> fields, again;
    if (!decode_fields(payload, fields)) return;
    check_fields(fields, payload);
    std::string encoded;
    encode_fields(encoded, fields);
    require(decode_fields(encoded, again), "what we encode is accepted");
    same_fields(fields, again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const instatunnel::fuzz::steered_input input(data, size);
    const instatunnel::fuzz::exact_copy payload(input.text);
    switch (input.steer % 3) {
        case 0:
            open(payload.view());
            break;
        case 1:
            reply(payload.view());
            break;
        default:
            trailers(payload.view());
            break;
    }
    return 0;
}
