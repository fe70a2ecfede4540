#include "parked_request.hpp"

namespace instatunnel::edge {

parked_request::parked_request(const wire::request_head& head) : head_(head) {
    std::size_t size =
        head.method.size() + head.target.size() + head.path.size() + head.authority.size() + head.upgrade.size();
    for (const auto& f : head.fields)
        size += f.name.size() + f.value.size();
    text_.reserve(size);  // never grown: views into it are handed out below
    head_.method = keep(head.method);
    head_.target = keep(head.target);
    head_.path = keep(head.path);
    head_.authority = keep(head.authority);
    head_.upgrade = keep(head.upgrade);
    for (auto& f : head_.fields)
        f = {keep(f.name), keep(f.value)};
}

std::string_view parked_request::keep(std::string_view text) {
    const auto at = text_.size();
    text_.append(text);
    return std::string_view(text_).substr(at);
}

}  // namespace instatunnel::edge
