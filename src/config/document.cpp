#include "document.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::config {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_config_file = 1024 * 1024;
constexpr auto lock_patience = std::chrono::seconds(3);

// A file of its own: config.json is replaced by every write, so a lock on it would be a lock on an old inode.
outcome<unique_fd> lock(const std::filesystem::path& file) {
    const std::string path = file.string() + ".lock";
    unique_fd handle(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!handle) return failure(errc::file_io, "Cannot write " + path + ": " + std::strerror(errno));
    const auto give_up = std::chrono::steady_clock::now() + lock_patience;
    while (::flock(handle.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return failure(errc::file_io, "Cannot lock " + path + ": " + std::strerror(errno));
        if (std::chrono::steady_clock::now() > give_up)
            return failure(errc::config_locked, "Another process is writing " + file.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return handle;
}

// Nobody else writes while the lock is held: what lies here was left by a writer that was killed, and holds keys.
void remove_leftovers(const std::filesystem::path& file) {
    const std::string start = "." + file.filename().string() + ".";
    std::error_code ignored;
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(start) && name.ends_with(".tmp")) std::filesystem::remove(entry.path(), ignored);
    }
}

std::string way_out(const std::filesystem::path& file) {
    const auto word = shell_word(file);
    return "Mend it, or move it away and sign in again: mv " + word + " " + word + ".broken && instatunnel login";
}

failure not_json(const std::filesystem::path& file, std::string_view text, std::size_t position) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return {errc::config_invalid, file.string() + " is empty", "Remove it: rm " + shell_word(file)};
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(position, text.size()));
    const auto line = 1 + std::count(text.begin(), end, '\n');
    const bool is_cut = position > text.size();
    return {
        errc::config_invalid,
        file.string() + (is_cut ? " ends in the middle, line " : " is not valid JSON, line ") + std::to_string(line),
        way_out(file)};
}

}  // namespace

failure invalid_member(const std::filesystem::path& file, const std::string& member, const std::string& expected) {
    return {errc::config_invalid, file.string() + ": " + member + " is not " + expected, way_out(file)};
}

outcome<document> load_document(const std::filesystem::path& file) {
    auto read = read_private_file(file, max_config_file);
    if (!read) {
        if (read.error().code == errc::file_missing) return document();
        return read.error();
    }
    const secret text(std::move(*read));
    try {
        document loaded{json::parse(text.reveal())};
        if (!loaded.root.is_object()) return invalid_member(file, "the document", "a JSON object");
        return loaded;
    } catch (const json::parse_error& e) {
        return not_json(file, text.reveal(), e.byte);
    }
}

outcome<document_editor> document_editor::open(const std::filesystem::path& file) {
    auto held = lock(file);
    if (!held) return held.error();
    remove_leftovers(file);
    auto loaded = load_document(file);
    if (!loaded) return loaded.error();
    return document_editor(file, std::move(*held), std::move(*loaded));
}

outcome<void> document_editor::write() const {
    const secret text(document_.root.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    return write_file_atomically(file_, text.reveal(), 0600);
}

}  // namespace instatunnel::config
