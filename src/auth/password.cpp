#include "instatunnel/auth/password.hpp"

#include <argon2.h>
#include <sys/resource.h>

#include <array>
#include <memory>

#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

// Who signs in can wait; the visitors of tunnels, served by another thread, cannot. Linux counts niceness by thread. 10
// is a tenth of an equal's share: more would keep people out as long as the machine is busy. Where a sandbox refuses
// this, hashing competes as an equal.
void stand_back() noexcept {
    if (::getpriority(PRIO_PROCESS, 0) < password_pool::niceness)
        (void)::setpriority(PRIO_PROCESS, 0, password_pool::niceness);
}

}  // namespace

outcome<std::string> hash_password(const secret& password, const password_cost& cost) {
    std::array<unsigned char, salt_bytes> salt{};
    fill_random(salt);
    std::string text(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_bytes, hash_bytes, Argon2_id),
                     '\0');
    const auto plain = password.reveal();
    const int code = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, plain.data(), plain.size(),
                                           salt.data(), salt.size(), hash_bytes, text.data(), text.size());
    if (code != ARGON2_OK) return failure(errc::busy, "The password cannot be protected now: memory is short");
    text.resize(text.find('\0'));
    return text;
}

bool verify_password(const secret& password, const std::string& hash) {
    const auto plain = password.reveal();
    return argon2id_verify(hash.c_str(), plain.data(), plain.size()) == ARGON2_OK;
}

std::string decoy_hash(const password_cost& cost) {
    // The hash part is all zero bits: no input is known, or can be found, that gives it.
    return "$argon2id$v=19$m=" + std::to_string(cost.memory_kib) + ",t=" + std::to_string(cost.passes) +
           ",p=" + std::to_string(cost.lanes) + "$aW5zdGF0dW5uZWxkZWNveQ$" + std::string(43, 'A');
}

password_pool::password_pool(options o) : options_(std::move(o)), decoy_(decoy_hash(options_.cost)) {
    for (std::size_t i = 0; i < options_.threads; ++i)
        threads_.emplace_back([this] { run(); });
}

password_pool::~password_pool() {
    stop();
}

outcome<void> password_pool::verify(secret password, std::string hash, std::function<void(bool)> done) {
    // std::function must be copyable and a secret is not: the job owns it through a pointer.
    auto plain = std::make_shared<secret>(std::move(password));
    const bool known = !hash.empty();
    return post([plain, known, text = known ? std::move(hash) : decoy_, done = std::move(done)] {
        const bool equal = verify_password(*plain, text);
        done(known && equal);
    });
}

outcome<void> password_pool::hash(secret password, std::function<void(outcome<std::string>)> done) {
    auto plain = std::make_shared<secret>(std::move(password));
    return post([this, plain, done = std::move(done)] { done(hash_password(*plain, options_.cost)); });
}

outcome<void> password_pool::post(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || jobs_.size() >= options_.queue) return failure(errc::busy);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return {};
}

void password_pool::run() {
    stand_back();
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        if (options_.on_computation) options_.on_computation();
        job();
        job = nullptr;
        lock.lock();
    }
}

void password_pool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_)
        if (thread.joinable()) thread.join();
}

}  // namespace instatunnel::auth
