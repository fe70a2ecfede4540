#include "instatunnel/auth/key.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t pepper_bytes = 32;

// link() fails if the name exists, where rename() would replace a pepper that another process made meanwhile.
outcome<void> make_pepper_file(const std::filesystem::path& file) {
    std::string bytes(pepper_bytes, '\0');
    fill_random({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    const secret line(to_hex(bytes) + "\n");
    const auto draft = file.string() + "." + random_base62(8);
    if (auto written = write_file_atomically(draft, line.reveal(), 0600); !written) return written;
    const bool linked = ::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST;
    const int error = errno;
    ::unlink(draft.c_str());
    if (!linked) return failure(errc::file_io, "Cannot write " + file.string() + ": " + std::strerror(error));
    const unique_fd folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0)
        return failure(errc::file_io, "Cannot sync " + file.parent_path().string());
    return {};
}

bool is_pepper(std::string_view text) {
    return text.size() == 2 * pepper_bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

secret make_api_key() {
    return secret("it_" + random_base62(16));
}

std::string make_id(std::string_view prefix) {
    return std::string(prefix) + "_" + random_base62(16);
}

secret make_password() {
    return secret(random_base62(20));
}

std::string key_digest(const secret& pepper, std::string_view key) {
    return hmac_sha256(pepper.reveal(), key);
}

outcome<secret> load_or_make_pepper(const std::filesystem::path& folder) {
    const auto file = folder / "pepper.key";
    auto text = read_private_file(file, 256);
    if (!text && text.error().code == errc::file_missing) {
        if (auto made = make_pepper_file(file); !made) return made.error();
        text = read_private_file(file, 256);
    }
    if (!text) return text.error();
    const secret content(std::move(*text));
    const auto pepper = trim(content.reveal());
    if (!is_pepper(pepper))
        return failure(errc::store_failed, file.string() + " does not hold what this program wrote there",
                       "Restore it from a backup: without it no key of this data works");
    return secret(std::string(pepper));
}

secret derive_secret(const secret& pepper, std::string_view purpose) {
    return secret(hmac_sha256(pepper.reveal(), purpose));
}

std::string pepper_fingerprint(const secret& pepper) {
    return to_hex(hmac_sha256(pepper.reveal(), "instatunnel pepper fingerprint"));
}

}  // namespace instatunnel::auth
