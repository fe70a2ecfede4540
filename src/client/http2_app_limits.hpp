#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Bounds of the HTTP/2 connections to the local app; docs/design/limits.md gives the reasons.
namespace instatunnel::client::http2_app_limits {

inline constexpr std::size_t connections = 8;           ///< that take new requests
inline constexpr std::size_t leaving_connections = 64;  ///< that finish their last ones
inline constexpr unsigned useless_connections = 3;      ///< in a row, which the app ended at once
inline constexpr std::size_t streams = 256;             ///< of one connection, if the app allows as many
/// What the app may send of one reply ahead of the tunnel.
inline constexpr std::uint32_t stream_window = 256 * 1024;
/// Given back as soon as bytes are read: one slow visitor must not hold up the others.
inline constexpr std::uint32_t connection_window = 4 * 1024 * 1024;
inline constexpr std::size_t section = 64 * 1024;  ///< fields of a reply head or of trailers
inline constexpr std::size_t section_fields = 256;
/// A larger section is read on, since it changes the tables of HPACK; beyond these the connection ends.
inline constexpr std::size_t hostile_section = 256 * 1024;
inline constexpr std::size_t hostile_fields = 4000;
inline constexpr unsigned interim_heads = 32;
inline constexpr unsigned answered_frames = 1000;  ///< PING and SETTINGS in a second
/// Of a request that the app has not processed: it can be sent again.
inline constexpr std::size_t repeatable_body = 64 * 1024;
inline constexpr std::chrono::milliseconds first_settings{10'000};
inline constexpr std::chrono::milliseconds idle{55'000};

}  // namespace instatunnel::client::http2_app_limits
