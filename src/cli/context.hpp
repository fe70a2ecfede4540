#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "environment.hpp"
#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/config/profile_store.hpp"
#include "prompter.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {

/// Flags that every command takes, before or after its name.
struct global_options {
    secret api_key;
    std::string server;
    std::string config;
    std::string cacert;
    std::string profile;
    std::string log_level;
    std::string log_file;
    bool no_color = false;
    bool json = false;
    bool version = false;
    bool no_wait = false;  ///< a refusal by a rate limit is an error at once
};

/// Everything a command needs from outside; tests fill it with fakes. All of it outlives the command.
struct context {
    const global_options& globals;
    const environment& env;
    terminal& term;
    prompter& ask;
    const config::profile_store& store;
    /// An HTTPS client that trusts `cacert` (see api::make_http_client).
    std::function<outcome<std::unique_ptr<api::http_client>>(const std::string& cacert)> make_http;
    /// Whether anything accepts connections where `url` points to; at most half a second.
    std::function<bool(const std::string& url)> edge_answers;
    std::function<std::chrono::steady_clock::time_point()> now;
    /// Opens `url` in the person's browser; false if there is none. See open_browser.hpp.
    std::function<bool(const std::string& url)> open_browser;
};

}  // namespace instatunnel::cli
