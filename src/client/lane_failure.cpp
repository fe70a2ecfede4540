#include "lane_failure.hpp"

#include <algorithm>
#include <string>

namespace instatunnel::client {

using engine::code;

errc errc_for(code why) {
    switch (why) {
        case code::unauthenticated:
            return errc::invalid_key;
        case code::key_expired:
            return errc::expired_key;
        case code::key_revoked:
            return errc::revoked_key;
        case code::forbidden:
            return errc::forbidden;
        case code::plan_limit:
            return errc::plan_limit;
        case code::name_taken:
            return errc::name_taken;
        case code::name_reserved:
            return errc::name_reserved;
        case code::malformed_name:
            return errc::malformed_name;
        case code::not_found:
            return errc::not_found;
        case code::superseded:
            return errc::superseded;
        case code::tunnel_closed:
            return errc::tunnel_closed;
        case code::rate_limited:
            return errc::rate_limited;
        case code::version:
            return errc::version_mismatch;
        case code::protocol:
        case code::flow_control:
        case code::frame_size:
            return errc::protocol_error;
        default:
            return errc::connection_lost;
    }
}

namespace {

bool is_showable(std::string_view text) {
    const auto shows = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; };
    return !text.empty() && text.size() <= 300 && std::ranges::all_of(text, shows);
}

}  // namespace

failure failure_for(code why, std::string_view text) {
    const errc mapped = errc_for(why);
    const bool ours_is_better = mapped == errc::revoked_key || mapped == errc::expired_key ||
                                mapped == errc::invalid_key || mapped == errc::connection_lost;
    const auto end = text.find('\n');
    const auto what = text.substr(0, end);
    if (ours_is_better || !is_showable(what)) return {mapped};
    const auto next = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return {mapped, std::string(what), is_showable(next) ? std::string(next) : std::string()};
}

}  // namespace instatunnel::client
