#include <algorithm>
#include <string>
#include <vector>

#include "instatunnel/wire/http1.hpp"
#include "invariant.hpp"

using namespace instatunnel::wire;
using instatunnel::fuzz::require;
using event = chunked_decoder::event;

namespace {

struct decoded {
    event last = event::need_more;
    std::size_t consumed = 0;
    std::string body;
    std::string trailers;
    std::string_view reason;

    bool operator==(const decoded&) const = default;
};

void take(chunked_decoder& decoder, std::string_view piece, decoded& d) {
    do {
        const auto step = decoder.next(piece);
        require(step.consumed <= piece.size(), "no more is used than there is");
        require(step.what != event::need_more || step.consumed == piece.size(), "all is used before more is wanted");
        require((step.what == event::data) == !step.data.empty(), "data comes with its event only");
        require(instatunnel::fuzz::lies_within(step.data, piece), "data is a view into the input");
        d.last = step.what;
        d.consumed += step.consumed;
        d.body += step.data;
        piece.remove_prefix(step.consumed);
    } while (d.last == event::data);
}

decoded decode(std::string_view text, std::size_t piece_size, bool lenient) {
    chunked_decoder decoder(lenient);
    decoded d;
    while (d.last == event::need_more && d.consumed < text.size()) {
        const instatunnel::fuzz::exact_copy piece(text.substr(d.consumed, piece_size));
        take(decoder, piece.view(), d);
    }
    if (d.last == event::done) d.trailers = decoder.trailers();
    d.reason = decoder.reason();
    require((d.last == event::invalid) == !d.reason.empty(), "a refusal has a reason");
    return d;
}

void check_done(const decoded& d) {
    std::vector<field> fields;
    require(d.trailers.size() <= 8 * 1024, "trailers are bounded");
    require(parse_field_lines(d.trailers, fields), "trailers are field lines");

    std::string again;
    if (!d.body.empty()) {
        append_chunk_header(again, d.body.size());
        again += d.body + "\r\n";
    }
    append_chunk_header(again, 0);
    again += d.trailers + "\r\n";
    const auto second = decode(again, again.size(), false);
    require(second.last == event::done && second.consumed == again.size(), "what was decoded can be encoded");
    require(second.body == d.body && second.trailers == d.trailers, "and means the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const instatunnel::fuzz::steered_input input(data, size);
    const auto whole_size = std::max<std::size_t>(input.text.size(), 1);
    for (const bool lenient : {false, true}) {
        const auto whole = decode(input.text, whole_size, lenient);
        require(decode(input.text, input.piece(), lenient) == whole, "pieces mean what the whole does");
        if (whole.last == event::done) check_done(whole);
        if (!lenient && whole.last == event::done)
            require(decode(input.text, whole_size, true) == whole, "lenience accepts more, and nothing differently");
    }
    return 0;
}
