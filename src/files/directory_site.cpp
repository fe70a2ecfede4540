#include "directory_site.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "beneath.hpp"
#include "exchange.hpp"

namespace instatunnel::files {
namespace {

failure trouble(const std::string& display, int error) {
    const auto what = error == ENOENT || error == ENOTDIR
                          ? "There is no directory " + display
                          : "The directory " + display + " cannot be read: " + std::generic_category().message(error);
    return {errc::target_unreachable, what, "Check the path and its permissions, or name another target"};
}

}  // namespace

outcome<void> check_directory(const std::string& path, const std::string& display) {
    const auto place = open_place(path);
    if (!place) return trouble(display, errno);
    if (::faccessat(place.get(), ".", R_OK | X_OK, AT_EACCESS) != 0) return trouble(display, errno);
    if (!can_open_beneath())
        return failure(errc::target_unreachable,
                       "This system cannot keep visitors inside of a directory: openat2 is missing",
                       "Use Linux 5.6 or newer (in a container: a filter that allows openat2), or serve the directory "
                       "with a program of your own and name its port");
    return {};
}

outcome<std::unique_ptr<site>> site::open(net::event_loop& loop, site_options options, site_events& events) {
    if (auto usable = check_directory(options.root, options.display); !usable) return usable.error();
    return std::unique_ptr<site>(std::make_unique<directory_site>(loop, std::move(options), events));
}

directory_site::directory_site(net::event_loop& loop, site_options options, site_events& events)
    : loop_(loop), options_(std::move(options)), events_(events) {}

directory_site::~directory_site() = default;

void directory_site::serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    if (spare_.empty()) {
        exchanges_.push_back(std::make_unique<exchange>(*this));
        spare_.push_back(exchanges_.back().get());
    }
    exchange* e = spare_.back();
    spare_.pop_back();
    e->start(s, open, flags);
}

found directory_site::look_up(std::string_view target) {
    auto f = files::look_up(options_, target, path_);
    if (f.is_gone && !was_gone_) events_.on_trouble(trouble(options_.display, ENOENT));
    was_gone_ = f.is_gone;
    return f;
}

}  // namespace instatunnel::files
