#include "files/media_types.hpp"

#include <catch2/catch.hpp>
#include <string>

using instatunnel::files::media_type_of;

TEST_CASE("a file's type comes from its extension, whatever its case") {
    CHECK(media_type_of("index.html") == "text/html; charset=utf-8");
    CHECK(media_type_of("A.HTML") == "text/html; charset=utf-8");
    CHECK(media_type_of("app.min.js") == "text/javascript; charset=utf-8");
    CHECK(media_type_of("module.wasm") == "application/wasm");
    CHECK(media_type_of("data.json") == "application/json");
    CHECK(media_type_of("photo.JPeG") == "image/jpeg");
    CHECK(media_type_of("dir.d/logo.svg") == "image/svg+xml");
    CHECK(media_type_of("app.webmanifest") == "application/manifest+json");
    CHECK(media_type_of("archive.tar.gz") == "application/gzip");
}

TEST_CASE("a file without a known extension is bytes") {
    for (const std::string name : {"README", "x.unknown", "x.", "", ".", "a.txt/b", "a.txt\xff"})
        CHECK(media_type_of(name) == "application/octet-stream");
    CHECK(media_type_of("x." + std::string(10'000, 'a')) == "application/octet-stream");
}
