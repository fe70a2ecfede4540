#include "machine_checks.hpp"

#include <openssl/crypto.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/config/profile_store.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

std::string mode_text(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
    return text;
}

// The folder holds keys, tokens and the data of a dev edge: nobody else has business in it.
std::optional<check> judge_folder(const std::filesystem::path& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return std::nullopt;
    if (info.st_uid != ::geteuid())
        return failed(make_check(step::configuration), folder.string(),
                      {errc::file_permission, folder.string() + " belongs to another user",
                       "Use another folder: INSTATUNNEL_HOME=PATH"});
    if ((info.st_mode & 077) == 0) return std::nullopt;
    return warned(make_check(step::configuration), folder.string() + " has mode " + mode_text(info.st_mode),
                  "Other users of this machine can look into it", "chmod 700 " + shell_word(folder),
                  errc::file_permission);
}

}  // namespace

check check_version() {
    utsname system{};
    const bool is_known = ::uname(&system) == 0;
    return well(make_check(step::version),
                "instatunnel " + std::string(version()) + ", " +
                    (is_known ? std::string(system.sysname) + " " + system.release + " " + system.machine + ", "
                              : std::string()) +
                    "OpenSSL " + OpenSSL_version(OPENSSL_VERSION_STRING));
}

check check_configuration(const settings& s) {
    auto c = make_check(step::configuration);
    const config::profile_store store(s.home, s.config_file);
    const auto names = store.names();
    if (!names) return failed(std::move(c), s.config_file.string(), names.error());
    if (s.place_problem) return failed(std::move(c), s.config_file.string(), *s.place_problem);
    if (auto wrong = judge_folder(s.home)) return *wrong;
    std::error_code ignored;
    const bool is_there = std::filesystem::exists(s.config_file, ignored);
    return well(std::move(c), s.config_file.string() + (is_there ? ", profile " + s.profile : " does not exist yet") +
                                  ", server " + s.server + " (from: " + s.server_from + ")");
}

check check_key(const settings& s) {
    auto c = make_check(step::key);
    if (!s.key.empty()) return well(std::move(c), mask_key(s.key.reveal()) + " from " + s.key_from);
    if (s.place_problem && s.key_problem && s.key_problem->code == s.place_problem->code)
        return skipped(std::move(c), "The configuration has to be mended first");
    return failed(std::move(c), "none", s.key_problem.value_or(failure(errc::no_key)));
}

}  // namespace instatunnel::doctor
