#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace instatunnel {

/// Text that must not be printed, logged or left in memory: keys, passwords, tokens. Wiped when destroyed; copying
/// is a visible act (clone). reveal() is the only way in, so it can be searched for.
class secret {
public:
    secret() = default;
    explicit secret(std::string value) : value_(std::move(value)) {}
    secret(secret&& other) noexcept;
    secret& operator=(secret&& other) noexcept;
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret();

    std::string_view reveal() const noexcept { return value_; }
    bool empty() const noexcept { return value_.empty(); }
    secret clone() const { return secret(value_); }

private:
    void wipe() noexcept;
    std::string value_;
};

std::ostream& operator<<(std::ostream&, const secret&) = delete;

/// Equal length and content, in time that depends on the lengths only.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

/// Display form of a key: `it_***...def` (last three characters).
std::string mask_key(std::string_view key);

}  // namespace instatunnel
