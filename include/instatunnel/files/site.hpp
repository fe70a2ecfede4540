#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"

/// A directory as a web site, served straight into the streams of a tunnel: no port, no copy between two sockets.
namespace instatunnel::files {

struct site_rules {
    bool spa = false;        ///< paths that name nothing and have no extension get the index.html at the top
    bool listing = true;     ///< of directories without index.html
    bool dot_files = false;  ///< also what starts with a dot
};

struct site_options {
    std::string root;     ///< absolute; looked up again for each request, since builds replace whole directories
    std::string display;  ///< what the user calls it; in errors for the user, never sent to visitors
    site_rules rules;
};

/// One request that is over.
struct served_request {
    std::string_view method;
    std::string_view path;    ///< with the query removed
    int status = 0;           ///< 0: reset before a status was sent
    std::uint64_t bytes = 0;  ///< of the body
    std::chrono::milliseconds took{0};
};

/// Told on the loop's thread.
class site_events {
public:
    virtual void on_served(const served_request& request) = 0;
    /// The directory cannot be served at the moment; told once until it can again.
    virtual void on_trouble(const failure& why) = 0;

protected:
    ~site_events() = default;
};

class site {
public:
    /// `loop` and `events` outlive it. Errors: those of check_directory.
    static outcome<std::unique_ptr<site>> open(net::event_loop& loop, site_options options, site_events& events);
    virtual ~site() = default;

    /// Answers the request of a stream that the edge opened, and releases the stream when it is over.
    virtual void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) = 0;
};

/// Whether `path` can be served at all. Errors, all of exit code 8 and naming `display`: it is not there, is no
/// directory, may not be searched, or this kernel cannot keep requests inside of it.
outcome<void> check_directory(const std::string& path, const std::string& display);

}  // namespace instatunnel::files
