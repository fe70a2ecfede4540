#include "instatunnel/wire/grpc.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::wire;

TEST_CASE("a gRPC call is known by its content type, and gRPC-Web is none") {
    for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8",
                             "Application/GRPC+json", "application/grpc ; a=b"})
        CHECK(is_grpc(type));
    for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpc-web+proto",
                             "application/grpcx", "text/html", "application/json"})
        CHECK_FALSE(is_grpc(type));
}

TEST_CASE("a message for gRPC is visible ASCII, all else percent-encoded") {
    CHECK(grpc_message("Failed to reach local server localhost:3000") == "Failed to reach local server localhost:3000");
    CHECK(grpc_message("100 %\n") == "100 %25%0A");
    CHECK(grpc_message("f\xC3\xBCr\x7F") == "f%C3%BCr%7F");
    CHECK(grpc_message("").empty());
}
