#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api.hpp"

namespace instatunnel::service {

/// Who may use a route: everybody, everybody but counted more strictly, or whoever has a key. `page`: people, who sign
/// in with a form; not part of the described API. `key_or_none`: without "/v1", and where the edge's owner lets people
/// without an account open tunnels, whoever sends no key may as well.
enum class route_access : std::uint8_t { open, registration, key, key_or_none, page };

/// What an operation takes and answers, for the API's description. Names are those of openapi.json; several stand side
/// by side with a blank between. The statuses that every call can have, and those that follow from a key, a scope, a
/// body or a ":id", are added by describe_api().
struct route_shape {
    std::string_view parameters{};  ///< of the path and the query
    std::string_view body{};        ///< schema of the request; empty: none is read
    int status = 0;                 ///< when all went well
    std::string_view reply{};       ///< schema of that answer; empty with 204; "text/html": a page
    std::string_view failures{};    ///< statuses of its own
    std::string_view notes{};       ///< what a caller must know beyond the summary, in sentences
    bool oauth = false;             ///< takes a form as well, and refuses in the words of RFC 6749 §5.2

    constexpr route_shape takes(std::string_view schema) const {
        auto s = *this;
        s.body = schema;
        return s;
    }
    constexpr route_shape answers(int with_status, std::string_view schema = {}) const {
        auto s = *this;
        s.status = with_status;
        s.reply = schema;
        return s;
    }
    constexpr route_shape may_fail(std::string_view statuses) const {
        auto s = *this;
        s.failures = statuses;
        return s;
    }
    constexpr route_shape as_oauth() const {
        auto s = *this;
        s.oauth = true;
        return s;
    }
    constexpr route_shape note(std::string_view sentences) const {
        auto s = *this;
        s.notes = sentences;
        return s;
    }
};

constexpr route_shape with(std::string_view parameters) {
    return {parameters};
}
constexpr route_shape takes(std::string_view schema) {
    return route_shape().takes(schema);
}
constexpr route_shape answers(int status, std::string_view schema = {}) {
    return route_shape().answers(status, schema);
}

/// One operation of the API. The table is what the API's description is made from: nothing about routes stands
/// elsewhere.
struct route {
    std::string_view method;
    std::string_view pattern;  ///< without "/v1"; a segment ":id" (one at most) stands for any one segment
    route_access access;
    std::string_view scope;  ///< the key must hold it; empty: any valid key may
    std::string_view summary;
    route_handler handler;
    route_shape shape;
};

std::span<const route> routes() noexcept;

struct route_match {
    const route* found = nullptr;
    std::string parameter;
    std::string allow;  ///< methods of the path, if the path is known and the method is not
};

/// `path` without "/v1". HEAD is answered by the route of GET.
route_match find_route(std::string_view method, std::string_view path);

}  // namespace instatunnel::service
