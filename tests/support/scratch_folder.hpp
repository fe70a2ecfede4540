#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace instatunnel::test {

/// A temporary folder that is removed with everything in it.
class scratch_folder {
public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "it-unit-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

    void write(const std::string& name, std::string_view content, mode_t mode = 0600) const {
        std::ofstream(path_ / name, std::ios::binary) << content;
        ::chmod((path_ / name).c_str(), mode);
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path_ / name, std::ios::binary).rdbuf();
        return text.str();
    }
    /// Permission bits, 0 if there is no such file.
    unsigned mode(const std::string& name) const {
        struct stat info {};
        return ::stat((path_ / name).c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
    }

private:
    std::filesystem::path path_;
};

}  // namespace instatunnel::test
