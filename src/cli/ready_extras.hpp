#pragma once

#include <string>
#include <thread>

#include "context.hpp"

namespace instatunnel::cli {

/// What else is done with a tunnel's address as soon as it is known.
struct ready_wishes {
    bool qr = false;
    bool copy = false;
    bool share = false;
};

/// Does it: once, when the tunnel is ready. Nothing is printed with --json.
class ready_extras {
public:
    /// `c` outlives it.
    ready_extras(const ready_wishes& wishes, context& c) : wishes_(wishes), c_(c) {}
    /// Waits until the address is in the clipboard, or could not be put there.
    ~ready_extras();
    ready_extras(const ready_extras&) = delete;
    ready_extras& operator=(const ready_extras&) = delete;

    void show(const std::string& url);

private:
    void draw(const std::string& url);
    void copy(const std::string& url);

    const ready_wishes wishes_;
    context& c_;
    bool shown_ = false;
    std::thread copying_;  ///< a program that does not answer must not hold the tunnel up
};

/// The three texts, with the address of the one tunnel that is connected, or a place to write it in.
outcome<exit_code> run_share(context& c);

}  // namespace instatunnel::cli
