#include "instatunnel/files/site.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "loop_runner.hpp"
#include "session_pair.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

struct answer {
    int status = 0;
    std::map<std::string, std::string> fields;
    std::string body;
    bool was_reset = false;
};

// A directory and the two ends of a tunnel, in memory.
class served_folder final : private files::site_events {
public:
    explicit served_folder(files::site_rules rules = {}) {
        auto opened = files::site::open(runner.loop, {folder.path().string(), "./site", rules}, *this);
        REQUIRE(opened.has_value());
        site = std::move(*opened);
        pair.client.on_each_open = [this](engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) {
            site->serve(s, head, flags);
        };
    }

    stream_owner& open(std::string_view path, std::vector<wire::field> fields = {}, std::string_view method = "GET") {
        auto head = request(method, path);
        head.fields = std::move(fields);
        auto& owner = pair.edge.open(head, flag::end);
        owner.on_each_head = [this, method](stream_owner& o) {
            if (method == "HEAD") REQUIRE((o.last_flags & flag::end) != 0);
            status = static_cast<int>(std::stoi(o.told.substr(o.told.find("head ") + 5)));
            heads = o.fields;
        };
        return owner;
    }
    void turn() {
        runner.run_once([this] { pair.settle(); });
    }
    answer get(std::string_view path, std::vector<wire::field> fields = {}, std::string_view method = "GET") {
        status = 0;
        auto& owner = open(path, std::move(fields), method);
        for (int turns = 0; turns < 10'000 && owner.told.find("reset") == std::string::npos; ++turns) {
            turn();
            if (owner.stream != nullptr && owner.stream->receive_finished()) break;
        }
        answer a;
        a.status = status;
        for (const auto& [name, value] : heads)
            a.fields[name] = value;
        a.body = owner.body;
        a.was_reset = owner.reset_code != engine::code::ok;
        owner.release();
        turn();
        return a;
    }

    temporary_folder folder;
    loop_runner runner;
    std::unique_ptr<files::site> site;
    session_pair pair;
    int status = 0;
    std::vector<std::pair<std::string, std::string>> heads;
    std::vector<std::string> log;
    std::vector<std::string> troubles;

private:
    void on_served(const files::served_request& r) override {
        log.push_back(std::string(r.method) + " " + std::string(r.path) + " " + std::to_string(r.status) + " " +
                      std::to_string(r.bytes));
    }
    void on_trouble(const failure& why) override { troubles.emplace_back(why.what()); }
};

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 7 + i / 251);
    return bytes;
}

}  // namespace

TEST_CASE("a file is sent with its type, length and validators, and the request is reported") {
    served_folder served;
    served.folder.write("page.html", "<p>hello");
    auto a = served.get("/page.html?x=1");
    CHECK(a.status == 200);
    CHECK(a.body == "<p>hello");
    CHECK(a.fields["Content-Type"] == "text/html; charset=utf-8");
    CHECK(a.fields["Accept-Ranges"] == "bytes");
    CHECK(a.fields.contains("ETag"));
    CHECK(a.fields.contains("Last-Modified"));
    CHECK(a.fields.contains("Date"));
    CHECK(served.log == std::vector<std::string>{"GET /page.html 200 8"});
}

TEST_CASE("HEAD tells what GET would and sends nothing") {
    served_folder served;
    served.folder.write("a.txt", "hello");
    const auto get = served.get("/a.txt");
    const auto head = served.get("/a.txt", {}, "HEAD");
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    CHECK(head.fields.at("ETag") == get.fields.at("ETag"));
    CHECK(served.get("/", {}, "HEAD").status == 200);
    CHECK(served.get("/none", {}, "HEAD").status == 404);
    CHECK(served.get("/a.txt", {{"Range", "bytes=0-1"}}, "HEAD").status == 200);
}

TEST_CASE("only reading methods work") {
    served_folder served;
    for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "PROPFIND", "get"}) {
        auto a = served.get("/", {}, method);
        CHECK(a.status == 405);
        CHECK(a.fields["Allow"] == "GET, HEAD, OPTIONS");
    }
    auto options = served.get("/any", {}, "OPTIONS");
    CHECK(options.status == 204);
    CHECK(options.fields["Allow"] == "GET, HEAD, OPTIONS");
    CHECK(served.get("*", {}, "OPTIONS").status == 204);
}

TEST_CASE("one range is one part, several are multipart with every byte where it belongs") {
    served_folder served;
    const auto bytes = pattern(100'000);
    served.folder.write("b.bin", bytes);
    auto one = served.get("/b.bin", {{"Range", "bytes=10-19"}});
    CHECK(one.status == 206);
    CHECK(one.body == bytes.substr(10, 10));
    CHECK(one.fields["Content-Range"] == "bytes 10-19/100000");

    auto many = served.get("/b.bin", {{"Range", "bytes=-3,0-1,50000-50002"}});
    CHECK(many.status == 206);
    const auto type = many.fields["Content-Type"];
    REQUIRE(type.starts_with("multipart/byteranges; boundary="));
    const auto boundary = type.substr(type.find('=') + 1);
    const auto part = [&](const std::string& range, std::size_t first, std::size_t length) {
        return "--" + boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes " + range +
               "/100000\r\n\r\n" + bytes.substr(first, length) + "\r\n";
    };
    CHECK(many.body == part("99997-99999", 99997, 3) + part("0-1", 0, 2) + part("50000-50002", 50000, 3) + "--" +
                           boundary + "--\r\n");
    auto none = served.get("/b.bin", {{"Range", "bytes=100000-"}});
    CHECK(none.status == 416);
    CHECK(none.fields["Content-Range"] == "bytes */100000");
}

TEST_CASE("a version that the visitor has is answered by its head alone") {
    served_folder served;
    served.folder.write("a.txt", "hello");
    const auto etag = served.get("/a.txt").fields.at("ETag");
    const auto known = served.get("/a.txt", {{"If-None-Match", etag}});
    CHECK(known.status == 304);
    CHECK(known.body.empty());
    CHECK(known.fields.at("ETag") == etag);
    CHECK(served.get("/a.txt", {{"If-Match", "\"x\""}}).status == 412);
}

TEST_CASE("a large file arrives whole though little of it is in memory") {
    served_folder served;
    const auto bytes = pattern(3'000'000);
    served.folder.write("big.bin", bytes);
    CHECK(served.get("/big.bin").body == bytes);
    served.folder.write("empty", "");
    CHECK(served.get("/empty").status == 200);
}

TEST_CASE("a file that shrinks while it is sent ends in a reset") {
    served_folder served;
    const auto path = served.folder.write("big.bin", pattern(2'000'000));
    auto& owner = served.open("/big.bin");
    owner.consumes = false;
    for (int i = 0; i < 20; ++i)
        served.turn();
    CHECK(owner.body.size() < 500'000);
    REQUIRE(::truncate(path.c_str(), 1000) == 0);
    owner.consumes = true;
    owner.stream->consumed(owner.body.size());
    for (int i = 0; i < 1000 && owner.stream != nullptr; ++i)
        served.turn();
    CHECK(owner.reset_code == engine::code::origin_reset);
    CHECK(served.pair.is_empty());
}

TEST_CASE("a visitor who leaves in the middle leaves nothing behind") {
    served_folder served;
    served.folder.write("big.bin", pattern(2'000'000));
    auto& owner = served.open("/big.bin");
    owner.consumes = false;
    served.turn();
    owner.release();
    served.turn();
    CHECK(served.pair.is_empty());
    CHECK(served.log.size() == 1);
    for (int i = 0; i < 300; ++i)
        served.folder.write("many-" + std::to_string(i), "");
    auto& listing = served.open("/");
    served.pair.settle();  // the listing has begun and has not been collected
    listing.release();
    served.turn();
    CHECK(served.pair.is_empty());
}

TEST_CASE("a long listing is collected in steps and is whole") {
    served_folder served;
    for (int i = 0; i < 1000; ++i)
        served.folder.write("file-" + std::to_string(i), "x");
    REQUIRE(::mkfifo((served.folder.path() / "pipe").c_str(), 0600) == 0);
    std::filesystem::create_symlink("/etc", served.folder.path() / "outside");
    std::filesystem::create_symlink("file-1", served.folder.path() / "inside");
    served.folder.write(".hidden", "x");
    std::filesystem::create_directory(served.folder.path() / ".well-known");
    const auto body = served.get("/", {{"Accept", "application/json"}}).body;
    std::size_t names = 0;
    for (auto at = body.find("\"name\""); at != std::string::npos; at = body.find("\"name\"", at + 1))
        ++names;
    CHECK(names == 1002);
    CHECK(body.find("\"inside\"") != std::string::npos);
    CHECK(body.find("\".well-known\"") != std::string::npos);
    for (const auto* absent : {"pipe", "outside", ".hidden"})
        CHECK(body.find('"' + std::string(absent) + '"') == std::string::npos);
}

TEST_CASE("a directory is redirected to its slash at the same address") {
    served_folder served;
    std::filesystem::create_directories(served.folder.path() / "a" / "b:c");
    std::filesystem::create_directories(served.folder.path() / "evil.com");
    CHECK(served.get("/a?q=1").fields["Location"] == "./a/?q=1");
    CHECK(served.get("/a/b:c").fields["Location"] == "./b%3Ac/");
    CHECK(served.get("//evil.com").fields["Location"] == "./evil.com/");
    CHECK(served.get("/a").status == 302);
}

TEST_CASE("a directory that is gone is told once and comes back by itself") {
    served_folder served;
    served.folder.write("a.txt", "a");
    const auto moved = served.folder.path().string() + ".moved";
    std::filesystem::rename(served.folder.path(), moved);
    CHECK(served.get("/a.txt").status == 503);
    CHECK(served.get("/a.txt").status == 503);
    CHECK(served.troubles == std::vector<std::string>{"There is no directory ./site"});
    std::filesystem::rename(moved, served.folder.path());
    CHECK(served.get("/a.txt").status == 200);
    CHECK(served.troubles.size() == 1);
}

TEST_CASE("a directory is checked before anything is connected") {
    temporary_folder folder;
    CHECK(files::check_directory(folder.path().string(), "x").has_value());
    const auto none = files::check_directory((folder.path() / "none").string(), "./none");
    CHECK(none.error().what() == "There is no directory ./none");
    CHECK(exit_code_for(none.error().code) == exit_code::target_unreachable);
    CHECK(files::check_directory(folder.write("file", "x").string(), "./file").has_error());
}
