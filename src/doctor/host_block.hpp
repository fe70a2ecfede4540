#pragma once

#include <optional>
#include <string>

#include "instatunnel/client/local_probe.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// A program that answers under names of its own only, as development servers do against DNS rebinding.
struct host_block {
    std::string program;  ///< "Vite"; empty: one that is not known
    std::string setting;  ///< what to write where, for the public domain; empty with an unknown one
};

/// Whether a reply is such a refusal, by the words that well-known programs use. `domain`: the one whose names visitors
/// use, "t.example.com".
std::optional<host_block> recognise_host_block(const client::local_answer& reply, const std::string& domain);

/// What a local program answered to the ways in which it may be asked.
struct host_answers {
    client::local_answer own;                        ///< under its own name
    client::local_answer as_public;                  ///< under the tunnel's public one, as the tunnel sends it
    std::optional<client::local_answer> rewritten;   ///< public, with Host rewritten; only asked if refused before
    std::optional<client::local_answer> cross_site;  ///< Next.js: something of its own, for a page of the public name
};

/// Whether a program that answered under its own name refuses the public one.
bool refuses_public_name(const host_answers& heard, const std::string& domain);

/// The verdict on the check of the public name. `target`: as it is written on the command line ("3000").
check judge_public_name(const host_answers& heard, const std::string& public_name, const std::string& domain,
                        const std::string& target);

}  // namespace instatunnel::doctor
