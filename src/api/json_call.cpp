#include "json_call.hpp"

#include <openssl/crypto.h>

namespace instatunnel::api {
namespace {

constexpr std::size_t max_text = 512;

std::string bearer(const secret& key) {
    std::string text;
    text.reserve(7 + key.reveal().size());
    return text.append("Bearer ").append(key.reveal());
}

}  // namespace

failure unexpected(const std::string& server) {
    return {errc::unexpected_reply, server + " sent an answer that this program does not understand"};
}

std::string shown(const json& value) {
    if (!value.is_string()) return {};
    auto text = value.get_ref<const std::string&>().substr(0, max_text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool is_c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c < 0x20 || c == 0x7f || is_c1) text[i] = '?';
        if (is_c1) text.erase(i + 1, 1);
    }
    return text;
}

const json& member(const json& object, const char* name) {
    static const json nothing;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() ? nothing : *found;
}

std::string text(const json& object, const char* name) {
    return shown(member(object, name));
}

std::uint64_t count(const json& object, const char* name) {
    const auto& value = member(object, name);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::string encode_path_segment(std::string_view segment) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : segment) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 15];
        }
    }
    return encoded;
}

outcome<json> json_call::send(std::string_view method, const std::string& path, const secret* key,
                              std::string_view body, question asked) {
    std::vector<std::pair<std::string, std::string>> fields{{"Accept", "application/json"}};
    if (!body.empty()) fields.emplace_back("Content-Type", "application/json");
    if (key != nullptr) fields.emplace_back("Authorization", bearer(*key));
    auto reply = http_.send(method, server_ + "/v1" + path, fields, body, call_limit);
    if (key != nullptr) OPENSSL_cleanse(fields.back().second.data(), fields.back().second.size());
    if (!reply) return reply.error();
    if (reply->status < 200 || reply->status > 299) return to_failure(*reply, asked, server_);
    if (reply->body.empty()) return outcome<json>(boost::system::in_place_value, nullptr);
    auto parsed = json::parse(reply->body.reveal(), nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) return unexpected(server_);
    // A json converts to anything, so the result has to be told which of its two sides is meant.
    return outcome<json>(boost::system::in_place_value, std::move(parsed));
}

}  // namespace instatunnel::api
