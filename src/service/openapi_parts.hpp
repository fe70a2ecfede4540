#pragma once

#include <string_view>

namespace instatunnel::service {

/// openapi.json: all of the API's description but its routes, servers and version. OpenAPI, with a few members of our
/// own that describe_api() replaces:
/// - `info.description` is a list of lines;
/// - `x-paths` of a tag are the beginnings of the paths that belong to it, the longest one that fits decides;
/// - `x-errors` are the errors by status: word, description, members of the example, names of header fields; with
///   `before_the_api` the edge may answer so before it knows that the request is one to the API.
std::string_view openapi_parts() noexcept;

}  // namespace instatunnel::service
