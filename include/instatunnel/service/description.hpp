#pragma once

#include <string>

namespace instatunnel::service {

/// What the description says of the edge that it comes from.
struct api_place {
    std::string version;
    std::string url;  ///< of the API, without "/v1"
};

/// The HTTP API as JSON in the form of OpenAPI 3.1, made from the route table: what GET /v1/openapi.json answers.
std::string describe_api(const api_place& place);

/// The same for people, in Markdown: what docs/api.md holds.
std::string render_api_page(const api_place& place);

}  // namespace instatunnel::service
