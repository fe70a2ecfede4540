#include "new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::auth {

// link() fails if the name exists, where rename() would replace what another process made meanwhile.
outcome<void> make_new_file(const std::filesystem::path& file, std::string_view content) {
    const auto draft = file.string() + "." + random_base62(8);
    if (auto written = write_file_atomically(draft, content, 0600); !written) return written;
    const bool linked = ::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST;
    const int error = errno;
    ::unlink(draft.c_str());
    if (!linked) return failure(errc::file_io, "Cannot write " + file.string() + ": " + std::strerror(error));
    const unique_fd folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0)
        return failure(errc::file_io, "Cannot sync " + file.parent_path().string());
    return {};
}

}  // namespace instatunnel::auth
