#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "instatunnel/base/unique_fd.hpp"

using namespace instatunnel;

namespace {

int open_null() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}
bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("a descriptor is closed by its owner, once") {
    const int fd = open_null();
    {
        unique_fd owner(fd);
        CHECK(owner);
        CHECK(owner.get() == fd);
        unique_fd next(std::move(owner));
        CHECK_FALSE(owner);  // NOLINT(bugprone-use-after-move): that is the promise
        CHECK(is_open(fd));
    }
    CHECK_FALSE(is_open(fd));
}

TEST_CASE("assigning or resetting closes the descriptor before") {
    const int first = open_null();
    unique_fd owner(first);
    const int second = open_null();
    owner = unique_fd(second);
    CHECK_FALSE(is_open(first));
    CHECK(is_open(second));
    owner.reset();
    CHECK_FALSE(is_open(second));
}

TEST_CASE("a released descriptor stays open") {
    const int fd = open_null();
    {
        unique_fd owner(fd);
        CHECK(owner.release() == fd);
    }
    CHECK(is_open(fd));
    CHECK(::close(fd) == 0);
}
