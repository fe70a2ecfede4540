#include "instatunnel/wire/itp_frame.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace instatunnel::wire::itp;

namespace {

std::string preface_of(std::uint16_t least, std::uint16_t most) {
    const auto bytes = encode_preface(least, most);
    return {bytes.data(), bytes.size()};
}

}  // namespace

TEST_CASE("integers are big-endian") {
    char bytes[8];
    put_u16(bytes, 0x0102);
    CHECK(std::string(bytes, 2) == "\x01\x02");
    CHECK(get_u16(bytes) == 0x0102);
    put_u32(bytes, 0x80FF0102);
    CHECK(std::string(bytes, 4) == "\x80\xff\x01\x02");
    CHECK(get_u32(bytes) == 0x80FF0102);
    put_u64(bytes, 0x8001020304050607);
    CHECK(std::string(bytes, 8) == "\x80\x01\x02\x03\x04\x05\x06\x07");
    CHECK(get_u64(bytes) == 0x8001020304050607);
}

TEST_CASE("a frame header is eight bytes: length, type, flags, stream") {
    char bytes[frame_header_size];
    encode_frame_header(bytes, {0x3FF8, 0x06, 0x41, 0x7FFFFFFF});
    CHECK(std::string(bytes, 8) == "\x3f\xf8\x06\x41\x7f\xff\xff\xff");
    const auto h = decode_frame_header("\xff\xff\xfe\xfd\xff\xff\xff\xfe");
    CHECK(h.length == 0xFFFF);
    CHECK(h.type == 0xFE);
    CHECK(h.flags == 0xFD);
    CHECK(h.stream == 0xFFFFFFFE);
}

TEST_CASE("a frame is its header and its payload") {
    std::string out = "before";
    append_frame(out, frame_type::ping, flag::ack, 0, "12345678");
    CHECK(out == std::string("before\0\x08\x0b\x01\0\0\0\0", 14) + "12345678");
    CHECK(max_data_payload + frame_header_size == 16384);
}

TEST_CASE("the preface is sixteen bytes") {
    CHECK(preface_of(1, 2) == std::string("INSTUN\0\1\0\1\0\2\0\0\0\0", 16));
}

TEST_CASE("the version is the smaller maximum if it reaches both minima") {
    struct row {
        std::uint16_t their_min, their_max, our_min, our_max, expected;
    };
    for (const auto& r : std::initializer_list<row>{{1, 1, 1, 1, 1},
                                                    {1, 5, 1, 3, 3},
                                                    {1, 3, 1, 5, 3},
                                                    {2, 5, 1, 1, 0},
                                                    {1, 1, 2, 5, 0},
                                                    {3, 2, 1, 5, 0},
                                                    {0, 0, 1, 1, 0},
                                                    {0, 0xFFFF, 1, 1, 1}}) {
        INFO(r.their_min << "-" << r.their_max << " against " << r.our_min << "-" << r.our_max);
        CHECK(negotiate_version(preface_of(r.their_min, r.their_max), r.our_min, r.our_max) == r.expected);
    }
}

TEST_CASE("bytes that are no preface have no version") {
    const auto good = preface_of(1, 1);
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK(negotiate_version(good.substr(0, size), 1, 1) == 0);
    for (std::size_t at = 0; at < 8; ++at) {
        auto bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x20);
        CHECK(negotiate_version(bad, 1, 1) == 0);
    }
    auto future = good;
    future[15] = '\x7f';  // flags of a newer program
    CHECK(negotiate_version(future, 1, 1) == 1);
}

TEST_CASE("ERROR carries a code and at most 1 KiB of text") {
    CHECK(encode_error(code::draining, "bye") == std::string("\0\x1a\0\0bye", 7));
    CHECK(encode_error(code::internal, std::string(5000, 't')).size() == 4 + 1024);
    const auto payload = encode_error(code::name_taken, "taken");
    CHECK(decode_error(payload).what == code::name_taken);
    CHECK(decode_error(payload).text == "taken");
    CHECK(decode_error(payload + std::string(5000, 't')).text.size() == 1024);
    for (std::size_t size = 0; size < 4; ++size) {
        CHECK(decode_error(payload.substr(0, size)).what == code::protocol);
        CHECK(decode_error(payload.substr(0, size)).text.empty());
    }
}

TEST_CASE("RESET carries a code, a length and at most 128 bytes of text") {
    CHECK(encode_reset(code::cancelled, "why") == std::string("\0\x21\0\x03why", 7));
    CHECK(encode_reset(code::cancelled, std::string(500, 't')).size() == 4 + 128);
    CHECK(decode_reset(encode_reset(code::origin_reset, "localhost:1")).text == "localhost:1");
    CHECK(decode_reset(encode_reset(code::origin_reset, "x")).what == code::origin_reset);
    // A length beyond the payload or the bound is cut; what follows the text is not part of it.
    CHECK(decode_reset(std::string("\0\x21\xff\xffwhy", 7)).text == "why");
    CHECK(decode_reset(std::string("\0\x21\xff\xff", 4) + std::string(500, 't')).text.size() == 128);
    CHECK(decode_reset(std::string("\0\x21\0\x01why", 7)).text == "w");
    for (std::size_t size = 0; size < 4; ++size)
        CHECK(decode_reset(std::string("\0\x21\0\0", 4).substr(0, size)).what == code::protocol);
}

TEST_CASE("every reason has a name of its own, numbers of a newer peer have none") {
    std::set<std::string_view> names;
    int known = 0;
    for (unsigned n = 0; n <= 0xFFFF; ++n) {
        const auto name = code_name(static_cast<code>(n));
        if (name == "unknown") continue;
        ++known;
        CHECK(names.insert(name).second);
    }
    CHECK(known == 40);
    CHECK(code_name(code::ok) == "ok");
    CHECK(code_name(code::key_expired) == "key_expired");
    CHECK(code_name(code::session_lost) == "session_lost");
    CHECK(code_name(static_cast<code>(8)) == "unknown");
}
