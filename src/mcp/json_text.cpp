#include "instatunnel/mcp/json_text.hpp"

#include <nlohmann/json.hpp>

namespace instatunnel::mcp {
namespace {

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Reads on in a text; every function returns false at the first byte that breaks a rule.
class json_scanner {
public:
    json_scanner(std::string_view text, std::size_t at) noexcept : text_(text), at_(at) {}

    std::size_t at() const noexcept { return at_; }
    bool at_end() const noexcept { return at_ >= text_.size(); }
    char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
    void skip_blanks() noexcept {
        while (!at_end() && is_blank(text_[at_]))
            ++at_;
    }
    bool take(char c) noexcept {
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool value(int depth) noexcept {
        if (depth > max_json_depth) return false;
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }

    bool string() noexcept {
        if (!take('"')) return false;
        while (!at_end()) {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (c == '"') return take('"');
            if (c < 0x20) return false;
            if (c == '\\' ? !escape() : !character(c)) return false;
        }
        return false;
    }

private:
    bool word(std::string_view w) noexcept {
        if (text_.substr(at_, w.size()) != w) return false;
        at_ += w.size();
        return true;
    }

    bool digits() noexcept {
        if (!is_digit(peek())) return false;
        while (is_digit(peek()))
            ++at_;
        return true;
    }

    bool number() noexcept {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (peek() != 'e' && peek() != 'E') return true;
        ++at_;
        if (!take('+')) take('-');
        return digits();
    }

    bool escape() noexcept {
        ++at_;
        const char c = peek();
        ++at_;
        if (c != 'u') return c != '\0' && std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        for (int i = 0; i < 4; ++i, ++at_)
            if (at_end() || hex_value(text_[at_]) < 0) return false;
        return true;
    }

    bool character(unsigned char first) noexcept {
        if (first < 0x80) {
            ++at_;
            return true;
        }
        // RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF.
        const int more = first >= 0xC2 && first <= 0xDF   ? 1
                         : first >= 0xE0 && first <= 0xEF ? 2
                         : first <= 0xF4                  ? 3
                                                          : 0;
        if (first < 0xC2 || more == 0 || text_.size() - at_ <= static_cast<std::size_t>(more)) return false;
        const auto second = static_cast<unsigned char>(text_[at_ + 1]);
        const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (second < low || second > high) return false;
        for (int i = 2; i <= more; ++i)
            if ((static_cast<unsigned char>(text_[at_ + static_cast<std::size_t>(i)]) & 0xC0) != 0x80) return false;
        at_ += static_cast<std::size_t>(more) + 1;
        return true;
    }

    bool object(int depth) noexcept {
        take('{');
        skip_blanks();
        if (take('}')) return true;
        do {
            skip_blanks();
            if (!string()) return false;
            skip_blanks();
            if (!take(':')) return false;
            skip_blanks();
            if (!value(depth + 1)) return false;
            skip_blanks();
        } while (take(','));
        return take('}');
    }

    bool array(int depth) noexcept {
        take('[');
        skip_blanks();
        if (take(']')) return true;
        do {
            skip_blanks();
            if (!value(depth + 1)) return false;
            skip_blanks();
        } while (take(','));
        return take(']');
    }

    std::string_view text_;
    std::size_t at_;
};

void append_utf8(std::string& out, unsigned code) {
    const auto add = [&out](unsigned byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return add(code);
    if (code < 0x800) {
        add(0xC0 | code >> 6);
        return add(0x80 | (code & 0x3F));
    }
    if (code < 0x10000) {
        add(0xE0 | code >> 12);
    } else {
        add(0xF0 | code >> 18);
        add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
}

unsigned hex_code(std::string_view digits) {
    unsigned code = 0;
    for (const char c : digits)
        code = code * 16 + static_cast<unsigned>(hex_value(c));
    return code;
}

char meaning_of(char escaped) noexcept {
    switch (escaped) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return escaped;
    }
}

}  // namespace

bool is_json(std::string_view text) noexcept {
    json_scanner s(text, 0);
    s.skip_blanks();
    if (!s.value(1)) return false;
    s.skip_blanks();
    return s.at_end();
}

text_span whole(std::string_view text) noexcept {
    std::size_t begin = 0, end = text.size();
    while (begin < end && is_blank(text[begin]))
        ++begin;
    while (end > begin && is_blank(text[end - 1]))
        --end;
    return {begin, end - begin};
}

void for_each_member(std::string_view text, text_span object, const std::function<bool(text_span, text_span)>& visit) {
    json_scanner s(text, object.begin);
    if (!s.take('{')) return;
    s.skip_blanks();
    if (s.peek() == '}') return;
    do {
        s.skip_blanks();
        const auto key = s.at();
        if (!s.string()) return;
        const text_span key_span{key, s.at() - key};
        s.skip_blanks();
        if (!s.take(':')) return;
        s.skip_blanks();
        const auto value = s.at();
        if (!s.value(1)) return;
        const text_span value_span{value, s.at() - value};
        s.skip_blanks();
        if (!visit(key_span, value_span)) return;
    } while (s.take(','));
}

void for_each_element(std::string_view text, text_span array, const std::function<bool(text_span)>& visit) {
    json_scanner s(text, array.begin);
    if (!s.take('[')) return;
    s.skip_blanks();
    if (s.peek() == ']') return;
    do {
        s.skip_blanks();
        const auto value = s.at();
        if (!s.value(1)) return;
        const text_span span{value, s.at() - value};
        s.skip_blanks();
        if (!visit(span)) return;
    } while (s.take(','));
}

std::optional<text_span> find_member(std::string_view text, text_span object, std::string_view key) {
    std::optional<text_span> found;
    for_each_member(text, object, [&](text_span k, text_span value) {
        if (decode_string(k.of(text)) != key) return true;
        found = value;
        return false;
    });
    return found;
}

std::string with_value(std::string_view text, text_span old, std::string_view value) {
    std::string out;
    out.reserve(text.size() + value.size());
    return out.append(text.substr(0, old.begin)).append(value).append(text.substr(old.begin + old.size));
}

std::optional<std::string> decode_string(std::string_view raw) {
    if (raw.size() < 2 || raw.front() != '"') return std::nullopt;
    raw = raw.substr(1, raw.size() - 2);
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\') {
            out.push_back(raw[i]);
            continue;
        }
        if (raw[++i] != 'u') {
            out.push_back(meaning_of(raw[i]));
            continue;
        }
        auto code = hex_code(raw.substr(i + 1, 4));
        i += 4;
        if (code >= 0xDC00 && code <= 0xDFFF) return std::nullopt;
        if (code >= 0xD800 && code <= 0xDBFF) {
            if (raw.substr(i + 1, 2) != "\\u") return std::nullopt;
            const auto low = hex_code(raw.substr(i + 3, 4));
            if (low < 0xDC00 || low > 0xDFFF) return std::nullopt;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
        }
        append_utf8(out, code);
    }
    return out;
}

std::string encode_string(std::string_view text) {
    return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace instatunnel::mcp
