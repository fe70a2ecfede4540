#include "audit_head.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t seq_digits = 20;
constexpr std::size_t hash_digits = 64;
constexpr std::size_t line_bytes = seq_digits + 1 + hash_digits + 1;

// Of fixed length and within one sector: writing it over the old one leaves nothing of that behind.
std::string line_for(const audit_head& head) {
    auto number = std::to_string(head.seq);
    number.insert(0, seq_digits - number.size(), '0');
    return number + ' ' + to_hex(head.hash) + '\n';
}

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

outcome<std::optional<audit_head>> parse(std::string_view text, const std::filesystem::path& file) {
    if (text.empty()) return std::optional<audit_head>();
    const failure damaged(errc::store_failed, file.string() + " does not hold what this program wrote there",
                          "Check the log with: instatunnel admin audit verify");
    if (text.size() != line_bytes || text[seq_digits] != ' ') return damaged;
    audit_head head;
    const auto* end = text.data() + seq_digits;
    if (const auto [stop, error] = std::from_chars(text.data(), end, head.seq); error != std::errc() || stop != end)
        return damaged;
    const auto digits = text.substr(seq_digits + 1, hash_digits);
    for (std::size_t i = 0; i < hash_digits; i += 2) {
        const int high = nibble(digits[i]), low = nibble(digits[i + 1]);
        if (high < 0 || low < 0) return damaged;
        head.hash += static_cast<char>(high * 16 + low);
    }
    return std::optional<audit_head>(std::move(head));
}

failure unusable(const std::filesystem::path& file) {
    return {errc::file_io, "Cannot use " + file.string() + ": " + std::strerror(errno)};
}

}  // namespace

outcome<std::optional<audit_head>> audit_head_file::read() const {
    auto text = read_private_file(path_, 4096);
    if (text) return parse(*text, path_);
    if (text.error().code == errc::file_missing) return std::optional<audit_head>();
    return text.error();
}

outcome<void> audit_head_file::advance(const audit_head& next,
                                       const std::function<outcome<bool>(const audit_head&)>& known) const {
    const unique_fd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return unusable(path_);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return errc::busy;
    if (::fchmod(fd.get(), 0600) != 0) return unusable(path_);
    auto noted = read();
    if (!noted) return noted.error();
    if (*noted) {
        if (**noted == next) return {};
        auto fits = known(**noted);
        if (!fits) return fits.error();
        if (!*fits)
            return failure(errc::store_failed,
                           "The audit log does not go on where " + path_.string() + " says it ended",
                           "Somebody changed the database: instatunnel admin audit verify");
        if ((*noted)->seq >= next.seq) return {};  // another process was faster
    }
    const auto line = line_for(next);
    if (::pwrite(fd.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) return unusable(path_);
    return {};
}

}  // namespace instatunnel::service
