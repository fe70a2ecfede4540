#include "instatunnel/mcp/message.hpp"

#include <algorithm>
#include <array>

#include "instatunnel/base/names.hpp"

namespace instatunnel::mcp {
namespace {

// As a reader that ignores case folds them: two letters outside ASCII fold to one in it (Unicode, CaseFolding.txt).
std::string fold(std::string_view text) {
    std::string folded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "\xC5\xBF") {  // U+017F
            folded.push_back('s');
            ++i;
        } else if (text.substr(i, 3) == "\xE2\x84\xAA") {  // U+212A
            folded.push_back('k');
            i += 2;
        } else {
            folded.push_back(text[i]);
        }
    }
    return to_lower(folded);
}

struct known_value {
    std::string_view key;
    text_span value;
    bool is_there = false;
};

/// Finds the values of `known` in an object, in which no reader may find others. Returns the fault.
template <std::size_t N>
std::string_view read_object(std::string_view text, text_span object, std::array<known_value, N>& known) {
    std::string_view fault;
    for_each_member(text, object, [&](text_span key_span, text_span value) {
        const auto key = decode_string(key_span.of(text));
        if (!key) {
            fault = "a key that is no text";
            return false;
        }
        const auto folded = fold(*key);
        for (auto& k : known) {
            if (folded != fold(k.key)) continue;
            if (*key != k.key)
                fault = "a key that differs from a known one by its case only";
            else if (k.is_there)
                fault = "a key that occurs twice";
            k.is_there = true;
            k.value = value;
        }
        return fault.empty();
    });
    return fault;
}

bool is_object(std::string_view text, text_span span) {
    return span.size != 0 && text[span.begin] == '{';
}

bool is_id(std::string_view raw) {
    return !raw.empty() && (raw.front() == '"' || raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
}

std::string_view read_tool(std::string_view text, message& m) {
    m.calls_tool = true;
    if (!is_object(text, m.params)) return "tools/call without parameters";
    std::array<known_value, 3> known{{{"name", {}}, {"arguments", {}}, {"_meta", {}}}};
    if (const auto fault = read_object(text, m.params, known); !fault.empty()) return fault;
    const auto name = known[0].is_there ? decode_string(known[0].value.of(text)) : std::nullopt;
    if (!name) return "tools/call without the name of a tool";
    if (std::ranges::any_of(*name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
        return "the name of a tool has control characters";
    m.tool = *name;
    return {};
}

std::string_view read_message(std::string_view text, text_span span, message& m) {
    if (!is_object(text, span)) return "a message that is no object";
    std::array<known_value, 6> known{
        {{"jsonrpc", {}}, {"id", {}}, {"method", {}}, {"params", {}}, {"result", {}}, {"error", {}}}};
    if (const auto fault = read_object(text, span, known); !fault.empty()) return fault;
    const auto& [version, id, method, params, result, error] = known;
    if (!version.is_there || decode_string(version.value.of(text)) != "2.0") return "no \"jsonrpc\":\"2.0\"";
    if (id.is_there) m.id = id.value;
    if (!method.is_there) {
        if (result.is_there == error.is_there) return "neither a method nor one of result and error";
        if (!id.is_there) return "a response without an id";
        m.what = message::kind::response;
        return {};
    }
    if (result.is_there || error.is_there) return "both a method and a result";
    const auto name = decode_string(method.value.of(text));
    if (!name) return "a method that is no text";
    m.method = *name;
    m.params = params.value;
    m.what = id.is_there ? message::kind::request : message::kind::notification;
    if (id.is_there && !is_id(id.value.of(text))) return "an id that is neither a text nor a number";
    return to_lower(m.method) == "tools/call" ? read_tool(text, m) : std::string_view();
}

}  // namespace

reading read_messages(std::string_view text) {
    reading r;
    if (!is_json(text)) {
        r.fault = "this is not JSON";
        return r;
    }
    const auto top = whole(text);
    r.is_batch = text[top.begin] == '[';
    const auto read = [&](text_span span) {
        if (r.messages.size() >= max_batch) {
            r.fault = "a batch of too many messages";
            return false;
        }
        r.fault = read_message(text, span, r.messages.emplace_back());
        return r.fault.empty();
    };
    if (r.is_batch)
        for_each_element(text, top, read);
    else
        read(top);
    if (r.fault.empty() && r.messages.empty()) r.fault = "an empty batch";
    return r;
}

bool may_name_method(std::string_view json) {
    bool names = false;
    const auto look = [&](text_span object) {
        for_each_member(json, object, [&](text_span key, text_span) {
            const auto name = decode_string(key.of(json));
            names = names || !name || fold(*name) == "method";
            return !names;
        });
        return !names;
    };
    const auto top = whole(json);
    if (json[top.begin] == '[')
        for_each_element(json, top, look);
    else
        look(top);
    return names;
}

std::string error_message(std::string_view id, int code, std::string_view message) {
    std::string out = R"({"jsonrpc":"2.0","id":)";
    out.append(id.empty() ? "null" : id).append(R"(,"error":{"code":)").append(std::to_string(code));
    return out.append(R"(,"message":)").append(encode_string(message)).append("}}");
}

}  // namespace instatunnel::mcp
