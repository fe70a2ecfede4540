#include "instatunnel/auth/password_rules.hpp"

#include <openssl/crypto.h>
#include <zxcvbn.h>

#include <algorithm>
#include <memory>

#include "instatunnel/auth/password.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::auth {
namespace {

// Ten wrong tries a minute are 5 million a year; a password that falls within the first million guesses is no password.
// The documentation of zxcvbn calls everything below 10^6 guesses "very guessable".
constexpr double least_bits = 20;
// The estimate costs up to 3 ms for so many bytes and grows with their cube. More can only add to a good start.
constexpr std::size_t looked_at = 128;
constexpr std::size_t shortest_word = 3;

std::size_t characters(std::string_view text) {
    // Every byte that does not continue a character begins one; stray continuation bytes are let through as nothing.
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// zxcvbn takes C strings, so a zero byte would hide what comes behind it.
class c_text {
public:
    explicit c_text(std::string_view text) : text_(text.substr(0, looked_at)) {
        std::ranges::replace(text_, '\0', '\1');
    }
    ~c_text() { OPENSSL_cleanse(text_.data(), text_.size()); }
    c_text(const c_text&) = delete;
    c_text& operator=(const c_text&) = delete;
    const char* get() const noexcept { return text_.c_str(); }

private:
    std::string text_;
};

bool is_user_word(const ZxcMatch_t& part) {
    const auto type = part.Type & ~MULTIPLE_MATCH;
    return type == USER_MATCH || type == USER_LEET_MATCH;
}

}  // namespace

std::optional<std::string> why_not_usable(const secret& password, std::span<const std::string> context) {
    const auto text = password.reveal();
    if (characters(text) < min_password_length)
        return "The password must have at least " + std::to_string(min_password_length) + " characters";
    if (text.size() > max_password_length)
        return "The password must have at most " + std::to_string(max_password_length) + " bytes";

    std::vector<const char*> words;
    for (const auto& word : context)
        if (word.size() >= shortest_word) words.push_back(word.c_str());
    words.push_back(nullptr);
    const c_text copy(text);
    ZxcMatch_t* found = nullptr;
    const double bits = ZxcvbnMatch(copy.get(), words.data(), &found);
    const std::unique_ptr<ZxcMatch_t, decltype(&ZxcvbnFreeInfo)> parts(found, &ZxcvbnFreeInfo);
    if (bits >= least_bits) return std::nullopt;
    for (const auto* part = found; part != nullptr; part = part->Next)
        if (is_user_word(*part))
            return "The password is too easy to guess: it is made of your email address or the name of this service. "
                   "Choose another one, a few words that do not belong together for example";
    return "The password is too easy to guess: it is on the lists that attackers try first, or close to them. Choose "
           "another one, a few words that do not belong together for example";
}

std::vector<std::string> password_context(std::string_view email, std::string_view domain) {
    std::vector<std::string> words{"instatunnel"};
    for (const auto text : {email, domain}) {
        const auto lower = to_lower(text);
        if (lower.empty()) continue;
        words.push_back(lower);
        std::size_t begin = 0;
        while (begin < lower.size()) {
            const auto end = std::min(lower.find_first_of("@.+-_", begin), lower.size());
            if (end > begin) words.push_back(lower.substr(begin, end - begin));
            begin = end + 1;
        }
    }
    return words;
}

}  // namespace instatunnel::auth
