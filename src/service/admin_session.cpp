#include "admin_session.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace instatunnel::service {
namespace {

// The name that the system knows the person by; the environment could say anything.
std::string login_name() {
    std::array<char, 4096> text{};
    passwd entry{};
    passwd* found = nullptr;
    const auto uid = ::getuid();
    if (::getpwuid_r(uid, &entry, text.data(), text.size(), &found) == 0 && found != nullptr) return found->pw_name;
    return "uid " + std::to_string(uid);
}

}  // namespace

admin_session::admin_session(const std::filesystem::path& path, data_folder folder)
    : folder_(std::move(folder)), audit_(*folder_.data, folder_.pepper, path, tuning_) {}

admin_session::~admin_session() {
    (void)audit_.flush();
}

outcome<std::unique_ptr<admin_session>> admin_session::open(const std::filesystem::path& folder) {
    auto opened = open_data_folder(folder);
    if (!opened) return opened.error();
    return std::unique_ptr<admin_session>(new admin_session(folder, std::move(*opened)));
}

outcome<std::unique_ptr<admin_session>> admin_session::open_existing(const std::filesystem::path& folder) {
    auto opened = open_existing_data_folder(folder);
    if (!opened) return opened.error();
    return std::unique_ptr<admin_session>(new admin_session(folder, std::move(*opened)));
}

audit_event admin_session::event(std::string_view action) const {
    audit_event e(action);
    e.by(actor_kind::admin, login_name());
    return e;
}

}  // namespace instatunnel::service
