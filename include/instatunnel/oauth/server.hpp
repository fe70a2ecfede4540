#pragma once

#include <utility>

#include "instatunnel/oauth/authorization.hpp"
#include "instatunnel/oauth/clients.hpp"
#include "instatunnel/oauth/devices.hpp"
#include "instatunnel/oauth/tokens.hpp"

namespace instatunnel::oauth {

/// All parts of one authorization server over one store. On the service's thread.
struct server {
    /// `target` outlives the server.
    server(store::store& target, server_settings given)
        : settings(std::move(given)),
          clients(target, settings),
          book(target, settings),
          authorization(target, clients, settings),
          tokens(target, book, settings),
          devices(target, book, settings) {}
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    const server_settings settings;
    client_registry clients;
    token_book book;
    authorization_endpoint authorization;
    token_endpoint tokens;
    device_endpoint devices;
};

}  // namespace instatunnel::oauth
