#include <string>

#include "instatunnel/v1/message.hpp"
#include "invariant.hpp"

using namespace instatunnel::v1;
using instatunnel::fuzz::require;

namespace {

constexpr std::size_t max_body = 64;

bool read(message_reader& r, std::string_view text, std::size_t piece) {
    r.start(max_body);
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        if (!r.read(text.substr(0, piece))) return false;
    return r.finish();
}

std::string text_of(message_source& source) {
    std::string text;
    char into[32];
    for (bool ended = false; !ended;)
        text.append(into, source.read(into, ended));
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const instatunnel::fuzz::steered_input input(data, size);
    const instatunnel::fuzz::exact_copy text(input.text);
    message_reader r, whole;
    const bool is_message = read(r, text.view(), input.piece());
    require(is_message == read(whole, text.view(), text.view().size() + 1), "pieces change nothing");
    if (!is_message) return 0;
    auto& m = r.result();
    require(m.body.size() <= max_body, "a body is bounded");
    require(m.id.size() <= message_reader::max_id && m.url.size() <= message_reader::max_url, "texts are bounded");
    require(m.fields.size() <= message_reader::max_fields, "headers are bounded");
    require(r.problem() == whole.problem() && m.body == whole.result().body && m.id == whole.result().id,
            "pieces change nothing");
    std::vector<instatunnel::wire::field> fields;
    (void)from_map(m.fields, fields);
    if (m.kind != message_kind::response || !r.problem().empty() || m.body_too_large) return 0;
    require(read(whole, text_of(*response_message(m, m.body, nullptr)), input.piece()), "what we write is accepted");
    const auto& again = whole.result();
    require(again.id == m.id && again.status == m.status && again.body == m.body, "the same again");
    return 0;
}
