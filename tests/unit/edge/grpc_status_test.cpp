#include "edge/grpc_status.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::edge;

TEST_CASE("a caller is told of the edge's own answers in the codes of gRPC") {
    CHECK(grpc_status_for(502, "origin_unreachable") == grpc_status::unavailable);
    CHECK(grpc_status_for(503, "too_many_streams") == grpc_status::unavailable);
    CHECK(grpc_status_for(404, "tunnel_not_found") == grpc_status::unavailable);
    CHECK(grpc_status_for(429, "rate_limited") == grpc_status::unavailable);
    CHECK(grpc_status_for(504, "origin_timeout") == grpc_status::deadline_exceeded);
    CHECK(grpc_status_for(401, "unauthorized") == grpc_status::unauthenticated);
    CHECK(grpc_status_for(403, "policy_denied") == grpc_status::permission_denied);
    CHECK(grpc_status_for(431, "head_too_large") == grpc_status::resource_exhausted);
    CHECK(grpc_status_for(400, "bad_request") == grpc_status::internal);
    CHECK(grpc_status_for(418, "teapot") == grpc_status::unknown);
}

TEST_CASE("what an app said with RST_STREAM is what the caller reads") {
    CHECK(grpc_status_for(502, "cancelled") == grpc_status::cancelled);
    CHECK(grpc_status_for(502, "origin_aborted") == grpc_status::internal);
    CHECK(grpc_status_for(503, "rate_limited") == grpc_status::resource_exhausted);
    CHECK(grpc_status_for(503, "refused") == grpc_status::unavailable);
}
