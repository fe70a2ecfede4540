#include "instatunnel/client/replay.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::client {
namespace {

failure not_repeatable(std::uint64_t number, std::string why, std::string next) {
    return {errc::usage, request_id(number) + " cannot be repeated: " + std::move(why), std::move(next)};
}

outcome<void> check_original(const recorded& r, const replay_changes& changes) {
    if (!r.asked_upgrade.empty())
        return not_repeatable(r.number, "it asked for an upgrade to " + r.asked_upgrade,
                              "Connections that are upgraded are shown, but not repeated");
    if (changes.body) return {};
    const std::string next = "Give a body, or let the caller send it again";
    if (!r.request_ended) return not_repeatable(r.number, "it has not come whole", next);
    if (r.body.is_dropped) return not_repeatable(r.number, "its body had to give way to newer ones", next);
    if (r.body.is_cut())
        return not_repeatable(r.number,
                              "only the first " + std::to_string(r.body.bytes.size()) + " of its " +
                                  std::to_string(r.body.size) + " bytes were kept",
                              next);
    return {};
}

bool is_of_the_body(std::string_view name) {
    return iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") || iequals(name, "Expect");
}

outcome<void> set_field(replay_request& to, const std::string& name, const std::string& value) {
    if (!wire::is_token(name) || name.size() > 255)
        return failure(errc::usage, "A field's name is not one that HTTP knows",
                       "Names are letters, digits and hyphens");
    if (!wire::is_field_value(value)) return failure(errc::usage, name + " has a value with control characters");
    if (is_of_the_body(name) || wire::is_hop_by_hop(name) || iequals(name, replay_field))
        return failure(errc::usage, name + " cannot be set: it is made for each request");
    if (iequals(name, "Host")) {
        if (!wire::is_authority(value)) return failure(errc::usage, "Host is no host name with an optional port");
        to.authority = value;
        return {};
    }
    to.fields.push_back({name, value});
    return {};
}

outcome<void> change_head(replay_request& to, const replay_changes& changes) {
    if (changes.method) {
        if (!wire::is_token(*changes.method) || *changes.method == "CONNECT")
            return failure(errc::usage, "The method is not one that can be sent", "Write it like \"POST\"");
        to.method = *changes.method;
    }
    if (changes.path) {
        if (!wire::is_request_path(*changes.path))
            return failure(errc::usage, "The path is not one that can be sent",
                           "It begins with a slash and has neither blanks nor a fragment");
        to.path = *changes.path;
    }
    for (const auto& name : changes.remove)
        std::erase_if(to.fields, [&](const recorded_field& f) { return iequals(f.name, name); });
    for (const auto& change : changes.set)
        std::erase_if(to.fields, [&](const recorded_field& f) { return iequals(f.name, change.first); });
    for (const auto& [name, value] : changes.set)
        if (auto set = set_field(to, name, value); !set) return set;
    return {};
}

bool sets(const replay_changes& changes, std::string_view name) {
    return std::ranges::any_of(changes.set, [name](const auto& f) { return iequals(f.first, name); });
}

}  // namespace

replay_request::~replay_request() {
    for (auto* text : {&path, &body})
        OPENSSL_cleanse(text->data(), text->capacity());
    for (auto& f : fields)
        OPENSSL_cleanse(f.value.data(), f.value.capacity());
}

wire::itp::open_head replay_request::head() const {
    wire::itp::open_head h;
    h.https = https;
    h.method = method;
    h.authority = authority;
    h.path = path;
    if (!body.empty() && trailers.empty()) h.content_length = static_cast<std::int64_t>(body.size());
    for (const auto& f : fields)
        h.fields.push_back({f.name, f.value});
    return h;
}

outcome<replay_request> make_replay(const recording& from, std::uint64_t number, const replay_changes& changes) {
    auto found = from.original(number);
    if (!found)
        return failure(errc::not_found, "There is no request " + request_id(number) + ", or none any more",
                       "list_requests shows those that are kept");
    if (auto good = check_original(*found, changes); !good) return good.error();
    replay_request to;
    to.original = number;
    to.tunnel = found->tunnel;
    to.https = found->https;
    to.method = found->method;
    to.authority = found->authority;
    to.path = std::move(found->path);
    to.fields = std::move(found->fields);
    std::erase_if(to.fields,
                  [](const recorded_field& f) { return is_of_the_body(f.name) || iequals(f.name, replay_field); });
    if (auto changed = change_head(to, changes); !changed) return changed.error();
    const bool was_given = changes.body.has_value();
    // GET and HEAD that somebody made of a POST have no use for its body.
    const bool is_bodiless = changes.method && (to.method == "GET" || to.method == "HEAD") && !was_given;
    if (was_given) {
        to.body = *changes.body;
        if (!sets(changes, "Content-Encoding"))
            std::erase_if(to.fields, [](const recorded_field& f) { return iequals(f.name, "Content-Encoding"); });
    } else if (!is_bodiless) {
        to.body = std::move(found->body.bytes);
        to.trailers = std::move(found->trailers);
    }
    to.fields.push_back({std::string(replay_field), request_id(number)});
    return to;
}

}  // namespace instatunnel::client
