#include "files/lookup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

#include "temporary_folder.hpp"

using namespace instatunnel::files;
using instatunnel::test::temporary_folder;

namespace {

// A folder "site" to share, beside a secret that nobody may get.
class shared_folder {
public:
    shared_folder() {
        std::filesystem::create_directories(root() / "sub" / "deep");
        folder.write("secret.txt", "secret");
        folder.write("site/a.txt", "a");
        folder.write("site/sub/b.txt", "b");
        options.root = root().string();
        options.display = "./site";
    }
    std::filesystem::path root() const { return folder.path() / "site"; }
    found look(std::string_view target) {
        request_path path;
        return look_up(options, target, path);
    }
    int status(std::string_view target) {
        const auto f = look(target);
        return f.kind == found_kind::problem ? f.status : 200;
    }
    std::string text(std::string_view target) {
        const auto f = look(target);
        char bytes[100];
        const auto n = f.kind == found_kind::file ? ::read(f.fd.get(), bytes, sizeof bytes) : -1;
        return n < 0 ? "no file" : std::string(bytes, static_cast<std::size_t>(n));
    }

    temporary_folder folder;
    site_options options;
};

}  // namespace

TEST_CASE("files are found by their path and directories by their slash") {
    shared_folder shared;
    CHECK(shared.text("/a.txt") == "a");
    CHECK(shared.text("/sub/b.txt?x=1") == "b");
    CHECK(shared.look("/sub").kind == found_kind::redirect);
    CHECK(shared.look("/sub/").kind == found_kind::directory);
    CHECK(shared.look("/").kind == found_kind::directory);
    CHECK(shared.status("/none") == 404);
    CHECK(shared.status("/a.txt/") == 404);
    CHECK(shared.status("/a.txt/x") == 404);
    CHECK(shared.status("/" + std::string(5000, 'a')) == 404);
}

TEST_CASE("an index.html is the directory's page") {
    shared_folder shared;
    shared.folder.write("site/sub/index.html", "index");
    CHECK(shared.text("/sub/") == "index");
    CHECK(shared.look("/sub/").name == "sub/index.html");
    CHECK(shared.look("/sub").kind == found_kind::redirect);
}

TEST_CASE("links that stay inside work, links that leave do not") {
    shared_folder shared;
    const auto link = [&](const std::string& to, const char* name) {
        std::filesystem::create_symlink(to, shared.root() / name);
    };
    link("a.txt", "inside");
    link("../sub/../a.txt", "sub/up");
    link("sub", "dir");
    link("../secret.txt", "outside");
    link("..", "parent");
    link("/etc/passwd", "absolute");
    link(shared.root() / "a.txt", "absolute-inside");
    link("../site/a.txt", "through-outside");
    link("loop", "loop");
    link("/proc/self/root", "magic");
    CHECK(shared.text("/inside") == "a");
    CHECK(shared.text("/sub/up") == "a");
    CHECK(shared.text("/dir/b.txt") == "b");
    for (const auto* target : {"/outside", "/parent/secret.txt", "/parent/", "/absolute", "/absolute-inside",
                               "/through-outside", "/loop", "/magic/etc/passwd", "/sub/../../secret.txt"})
        CHECK(shared.status(target) >= 400);
}

TEST_CASE("what is neither file nor directory is not there, and is not waited for") {
    shared_folder shared;
    REQUIRE(::mkfifo((shared.root() / "pipe").c_str(), 0600) == 0);
    CHECK(shared.status("/pipe") == 404);
    CHECK(shared.status("/pipe/") == 404);
    std::filesystem::create_directory(shared.root() / "with-pipe");
    REQUIRE(::mkfifo((shared.root() / "with-pipe" / "index.html").c_str(), 0600) == 0);
    CHECK(shared.look("/with-pipe/").kind == found_kind::directory);
}

TEST_CASE("dot files are not there unless they are asked for") {
    shared_folder shared;
    shared.folder.write("site/.env", "dot");
    CHECK(shared.status("/.env") == 404);
    shared.options.rules.dot_files = true;
    CHECK(shared.text("/.env") == "dot");
}

TEST_CASE("routes of a single-page app get the page at the top, files do not") {
    shared_folder shared;
    shared.folder.write("site/index.html", "app");
    shared.options.rules.spa = true;
    CHECK(shared.text("/users/7") == "app");
    CHECK(shared.text("/users/7/?x=1.2") == "app");
    CHECK(shared.text("/a.txt") == "a");
    CHECK(shared.look("/sub/").kind == found_kind::directory);
    CHECK(shared.status("/missing.js") == 404);
    CHECK(shared.status("/.git/config") == 404);
    CHECK(shared.status("/..%2fsecret") == 404);
    CHECK(shared.text("/a%2fb") == "app");  // a route like any other: nothing of it reaches the disk
    CHECK(shared.status("/%00") == 400);
    shared.options.rules.listing = false;
    CHECK(shared.text("/sub/") == "app");
}

TEST_CASE("without listing a directory without index.html is not there") {
    shared_folder shared;
    shared.options.rules.listing = false;
    CHECK(shared.status("/sub/") == 404);
    CHECK(shared.look("/sub").kind == found_kind::redirect);
}

TEST_CASE("a directory that was replaced is looked up again, one that is gone is not there for a while") {
    shared_folder shared;
    std::filesystem::rename(shared.root(), shared.folder.path() / "old");
    CHECK(shared.look("/a.txt").is_gone);
    CHECK(shared.status("/a.txt") == 503);
    std::filesystem::create_directory(shared.root());
    shared.folder.write("site/a.txt", "new");
    CHECK(shared.text("/a.txt") == "new");
}

TEST_CASE("what a visitor learns of a failed open is a status") {
    CHECK(status_for_errno(ENOENT) == 404);
    CHECK(status_for_errno(EXDEV) == 404);
    CHECK(status_for_errno(ELOOP) == 404);
    CHECK(status_for_errno(EACCES) == 403);
    CHECK(status_for_errno(EMFILE) == 503);
    CHECK(status_for_errno(EIO) == 500);
}

TEST_CASE("a link that changes while it is followed never leads outside") {
    shared_folder shared;
    const auto link = shared.root() / "turns";
    std::filesystem::create_directory(shared.root() / "x");
    shared.folder.write("site/x/secret.txt", "x");
    std::atomic<bool> stop{false};
    std::thread turner([&] {
        const auto fresh = shared.root() / "fresh";
        for (bool inside = true; !stop; inside = !inside) {
            std::filesystem::create_symlink(inside ? "x" : "..", fresh);
            std::filesystem::rename(fresh, link);
        }
    });
    unsigned served = 0;
    // Until both ways were seen often: the count decides, not the clock.
    for (unsigned refused = 0; served < 200 || refused < 200;) {
        const auto text = shared.text("/turns/secret.txt");
        if (text == "secret") {
            stop = true;
            turner.join();
            FAIL("the file outside was served");
        }
        ++(text == "x" ? served : refused);
    }
    stop = true;
    turner.join();
    CHECK(served >= 200);
}
