#pragma once

#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// What the server says that it speaks.
struct known_transports {
    bool v1 = false;
    bool v2 = false;
};

/// Does the whole handshake of the tunnel protocol, up to the edge's answer: it is asked for a tunnel that does not
/// exist, so the right answer is that there is none. Nothing is claimed or opened. Where v2 fails and there is
/// v1, that is tried.
check check_transport(const settings& s, known_transports known, std::chrono::milliseconds limit);

}  // namespace instatunnel::doctor
