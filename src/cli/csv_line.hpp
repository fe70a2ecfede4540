#pragma once

#include <initializer_list>
#include <string>

namespace instatunnel::cli {

/// One line of CSV (RFC 4180 §2) without its end. A cell that a spreadsheet would run as a formula gets a ' in front;
/// control characters become '?', so that a record is one line.
std::string csv_line(std::initializer_list<std::string> cells);

}  // namespace instatunnel::cli
