#include "instatunnel/auth/signing_key.hpp"

#include <sys/stat.h>

#include "catch_outcome.hpp"
#include "instatunnel/base/file.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using auth::signing_key;

TEST_CASE("a signing key is made once and kept for its owner alone") {
    test::temporary_folder folder;
    const auto made = signing_key::load_or_make(folder.path());
    REQUIRE(made);
    const auto again = signing_key::load_or_make(folder.path());
    REQUIRE(again);
    CHECK(made->public_bytes().size() == 32);
    CHECK(again->public_bytes() == made->public_bytes());
    CHECK(again->id() == made->id());
    CHECK(made->id().size() == 43);
    struct stat info {};
    REQUIRE(::stat((folder.path() / "identity-key.pem").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a signature is good for its text and its key only") {
    test::temporary_folder folder, elsewhere;
    const auto key = signing_key::load_or_make(folder.path());
    const auto other = signing_key::load_or_make(elsewhere.path());
    REQUIRE((key && other));
    const auto signature = key->sign("text");
    CHECK(signature.size() == 64);
    CHECK(key->verifies("text", signature));
    CHECK_FALSE(key->verifies("texT", signature));
    CHECK_FALSE(key->verifies("text", signature.substr(1)));
    CHECK_FALSE(other->verifies("text", signature));
    CHECK(other->id() != key->id());
}

TEST_CASE("a file that holds something else is not replaced") {
    test::temporary_folder folder;
    const auto file = folder.path() / "identity-key.pem";
    REQUIRE(write_file_atomically(file, "no key\n", 0600));
    const auto refused = signing_key::load_or_make(folder.path());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::store_failed);
    CHECK(*read_file(file, 100) == "no key\n");
    REQUIRE(write_file_atomically(file, "no key\n", 0644));
    CHECK(signing_key::load_or_make(folder.path()).error().code == errc::file_permission);
}
