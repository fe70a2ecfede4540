#pragma once

#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"

/// What needs no network.
namespace instatunnel::doctor {

check check_version();
check check_configuration(const settings& s);
/// Whether there is a key of the right form. Whether it is good is the server's to say.
check check_key(const settings& s);

}  // namespace instatunnel::doctor
