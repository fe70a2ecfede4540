#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api.hpp"

namespace instatunnel::service {

enum class route_access : std::uint8_t { open, key };

/// One operation of the API. The table is what an API description is made from: nothing about routes stands elsewhere.
struct route {
    std::string_view method;
    std::string_view pattern;  ///< without "/v1"; a last segment ":id" stands for any one segment
    route_access access;
    std::string_view scope;  ///< the key must hold it; empty: any valid key may
    std::string_view summary;
    void (api::*handler)(const call_ptr&);
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
