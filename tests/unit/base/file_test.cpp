#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "instatunnel/base/file.hpp"

using namespace instatunnel;
namespace fs = std::filesystem;

namespace {

class temporary_folder {
public:
    temporary_folder() {
        std::string name = (fs::temp_directory_path() / "it-file-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~temporary_folder() { fs::remove_all(path); }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    std::size_t entries() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(path))
            ++count;
        return count;
    }

    fs::path path;
};

class umask_scope {
public:
    explicit umask_scope(mode_t mask) : before_(::umask(mask)) {}
    ~umask_scope() { ::umask(before_); }
    umask_scope(const umask_scope&) = delete;
    umask_scope& operator=(const umask_scope&) = delete;

private:
    mode_t before_;
};

mode_t mode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

ino_t inode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_ino;
}

}  // namespace

TEST_CASE("a file is written with exactly its mode, whatever the umask") {
    temporary_folder folder;
    for (const mode_t mask : {0000U, 0077U, 0777U}) {
        const umask_scope scope(mask);
        for (const mode_t mode : {0600U, 0644U}) {
            const auto path = folder.path / "file";
            REQUIRE(write_file_atomically(path, "content", mode).has_value());
            CHECK(mode_of(path) == mode);
            CHECK(read_file(path, 100).value() == "content");
        }
    }
    CHECK(folder.entries() == 1);
}

TEST_CASE("a file is replaced as a whole: who has the old one open keeps it") {
    temporary_folder folder;
    const auto path = folder.path / "file";
    REQUIRE(write_file_atomically(path, "a long old content", 0600).has_value());
    const auto old_name = folder.path / "old";
    fs::create_hard_link(path, old_name);
    REQUIRE(write_file_atomically(path, "new", 0600).has_value());
    CHECK(read_file(path, 100).value() == "new");
    CHECK(read_file(old_name, 100).value() == "a long old content");
    CHECK(inode_of(path) != inode_of(old_name));
}

TEST_CASE("a write that fails leaves the old file and no remains") {
    temporary_folder folder;
    const auto in_the_way = folder.path / "folder";
    fs::create_directories(in_the_way / "full");
    const auto failed = write_file_atomically(in_the_way, "content", 0600);
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == errc::file_io);
    CHECK(failed.error().detail.find(in_the_way.string()) != std::string::npos);
    CHECK(folder.entries() == 1);

    const auto nowhere = write_file_atomically(folder.path / "missing" / "file", "content", 0600);
    REQUIRE(nowhere.has_error());
    CHECK(nowhere.error().code == errc::file_missing);
}

TEST_CASE("a link is replaced by the file, never written through") {
    temporary_folder folder;
    const auto target = folder.path / "target";
    const auto link = folder.path / "link";
    REQUIRE(write_file_atomically(target, "untouched", 0600).has_value());
    fs::create_symlink(target, link);
    REQUIRE(write_file_atomically(link, "new", 0600).has_value());
    CHECK_FALSE(fs::is_symlink(link));
    CHECK(read_file(target, 100).value() == "untouched");
}

TEST_CASE("a file is read up to its limit") {
    temporary_folder folder;
    const auto path = folder.path / "file";
    const std::string content(40000, 'x');
    REQUIRE(write_file_atomically(path, content, 0600).has_value());
    CHECK(read_file(path, 40000).value() == content);
    CHECK(read_file(path, 39999).error().code == errc::too_large);
    CHECK(read_file(folder.path / "missing", 10).error().code == errc::file_missing);
    CHECK(read_file(folder.path, 10).error().code == errc::file_io);
    REQUIRE(write_file_atomically(path, "", 0600).has_value());
    CHECK(read_file(path, 0).value().empty());
}

TEST_CASE("a private file is read only when it is private") {
    temporary_folder folder;
    const auto path = folder.path / "key";
    REQUIRE(write_file_atomically(path, "content", 0600).has_value());
    CHECK(read_private_file(path, 100).value() == "content");
    CHECK(read_private_file(path, 3).error().code == errc::too_large);
    CHECK(read_private_file(folder.path / "missing", 3).error().code == errc::file_missing);

    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto refused = read_private_file(path, 100);
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == errc::file_permission);
        CHECK(refused.error().next == "Make it private: chmod 600 " + path.string());
    }
    REQUIRE(::chmod(path.c_str(), 0400) == 0);
    CHECK(read_private_file(path, 100).has_value());

    const auto link = folder.path / "link";
    fs::create_symlink(path, link);
    CHECK(read_private_file(link, 100).error().code == errc::file_permission);
}

TEST_CASE("a private file of another user is refused") {
    if (::geteuid() != 0) {
        WARN("only root can give a file away");
        return;
    }
    temporary_folder folder;
    const auto path = folder.path / "key";
    REQUIRE(write_file_atomically(path, "content", 0600).has_value());
    REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
    CHECK(read_private_file(path, 100).error().code == errc::file_permission);

    const auto foreign = folder.path / "foreign";
    fs::create_directory(foreign);
    REQUIRE(::chown(foreign.c_str(), 12345, 12345) == 0);
    CHECK(make_private_directory(foreign).error().code == errc::file_permission);
}

TEST_CASE("a private folder is made with its parents, or narrowed") {
    temporary_folder folder;
    const auto path = folder.path / "a" / "b";
    REQUIRE(make_private_directory(path).has_value());
    CHECK(mode_of(path) == 0700);
    REQUIRE(make_private_directory(path).has_value());
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    REQUIRE(make_private_directory(path).has_value());
    CHECK(mode_of(path) == 0700);

    const auto file = folder.path / "file";
    REQUIRE(write_file_atomically(file, "", 0600).has_value());
    CHECK(make_private_directory(file).error().code == errc::file_io);
}
