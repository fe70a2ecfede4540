#include <dlfcn.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "instatunnel/base/log.hpp"
#include "instatunnel/config/keyring.hpp"

namespace instatunnel::config {
namespace {

constexpr auto patience = std::chrono::seconds(60);
constexpr const char* service_name = "instatunnel";

// The part of libsecret's interface that is used, declared here: its headers are not needed to build the program.
// Layouts are those of libsecret-1.so.0 and glib 2, whose binary interface is frozen.
struct glib_error {
    std::uint32_t domain;
    int code;
    char* message;
};
struct schema_attribute {
    const char* name;
    int type;  // 0: string
};
struct secret_schema {
    const char* name;
    int flags;
    schema_attribute attributes[32];
    int reserved;
    void* reserved_pointers[7];
};

const secret_schema our_schema = {
    "my.instatunnel.ApiKey", 0, {{"service", 0}, {"id", 0}, {"profile", 0}, {"server", 0}, {nullptr, 0}}, 0, {}};

struct libsecret {
    int (*store)(const secret_schema*, const char* collection, const char* label, const char* password, void* cancel,
                 glib_error**, ...);
    char* (*lookup)(const secret_schema*, void* cancel, glib_error**, ...);
    int (*clear)(const secret_schema*, void* cancel, glib_error**, ...);
    void (*free_password)(char*);
    void (*free_error)(glib_error*);
    void* (*new_cancellable)();
    void (*cancel)(void*);
    void (*unref)(void*);
};

template <class Function>
bool bind(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(::dlsym(library, name));
    return into != nullptr;
}

// Stays loaded: glib keeps threads of its own, which would lose their code.
const libsecret* loaded_library() {
    static const auto found = []() -> std::optional<libsecret> {
        void* library = ::dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return std::nullopt;
        libsecret l{};
        const bool complete =
            bind(library, "secret_password_store_sync", l.store) &&
            bind(library, "secret_password_lookup_sync", l.lookup) &&
            bind(library, "secret_password_clear_sync", l.clear) &&
            bind(library, "secret_password_free", l.free_password) && bind(library, "g_error_free", l.free_error) &&
            bind(library, "g_cancellable_new", l.new_cancellable) && bind(library, "g_cancellable_cancel", l.cancel) &&
            bind(library, "g_object_unref", l.unref);
        if (!complete) return std::nullopt;
        return l;
    }();
    return found ? &*found : nullptr;
}

bool is_session_bus_named() {
    if (const char* address = std::getenv("DBUS_SESSION_BUS_ADDRESS"); address != nullptr && *address != '\0')
        return true;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::error_code ignored;
    return runtime != nullptr && std::filesystem::exists(std::filesystem::path(runtime) / "bus", ignored);
}

// Without the second check glib would start a bus of its own, on which nobody answers.
outcome<const libsecret*> usable_library() {
    const auto* library = loaded_library();
    if (library == nullptr)
        return failure(errc::keyring_unavailable, "The system keyring cannot be used: libsecret is not installed",
                       "Install it (Debian: apt install libsecret-1-0), or keep the key in the file: instatunnel "
                       "config set keystore file");
    if (!is_session_bus_named())
        return failure(errc::keyring_unavailable,
                       "The system keyring cannot be used: there is no session bus (DBUS_SESSION_BUS_ADDRESS)");
    return library;
}

/// One call: a cancellable that a timer pulls, and the error the call left.
class attempt {
public:
    explicit attempt(const libsecret& library) : library_(library), cancellable_(library.new_cancellable()) {
        timer_ = std::thread([this] {
            std::unique_lock hold(mutex_);
            if (!ended_.wait_for(hold, patience, [this] { return is_over_; })) library_.cancel(cancellable_);
        });
    }
    ~attempt() {
        {
            const std::lock_guard hold(mutex_);
            is_over_ = true;
        }
        ended_.notify_one();
        timer_.join();
        if (error != nullptr) library_.free_error(error);
        library_.unref(cancellable_);
    }
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;

    void* cancellable() const noexcept { return cancellable_; }
    failure problem() const {
        if (error != nullptr) log::debug("keyring.failed").with("reason", error->message);
        return {errc::keyring_unavailable,
                "The system keyring does not answer: no password service runs in this session, or it is locked"};
    }

    glib_error* error = nullptr;

private:
    const libsecret& library_;
    void* cancellable_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool is_over_ = false;
    std::thread timer_;
};

class system_keyring final : public keyring {
public:
    outcome<void> store(const keyring_entry& entry, const secret& key) override {
        const auto library = usable_library();
        if (!library) return library.error();
        attempt tried(**library);
        const std::string label = "InstaTunnel API key (profile " + entry.profile + ")";
        const auto text = key.clone();  // secret holds a std::string, so the view ends with a zero byte
        const int stored =
            (*library)->store(&our_schema, nullptr, label.c_str(), text.reveal().data(), tried.cancellable(),
                              &tried.error, "service", service_name, "id", entry.id.c_str(), "profile",
                              entry.profile.c_str(), "server", entry.server.c_str(), static_cast<char*>(nullptr));
        if (stored == 0 || tried.error != nullptr) return tried.problem();
        return {};
    }

    outcome<std::optional<secret>> find(const std::string& id) override {
        const auto library = usable_library();
        if (!library) return library.error();
        attempt tried(**library);
        char* text = (*library)->lookup(&our_schema, tried.cancellable(), &tried.error, "service", service_name, "id",
                                        id.c_str(), static_cast<char*>(nullptr));
        if (tried.error != nullptr) return tried.problem();
        if (text == nullptr) return std::optional<secret>();
        std::optional<secret> key(secret{std::string(text)});
        (*library)->free_password(text);
        return key;
    }

    outcome<void> erase(const std::string& id) override {
        const auto library = usable_library();
        if (!library) return library.error();
        attempt tried(**library);
        (*library)->clear(&our_schema, tried.cancellable(), &tried.error, "service", service_name, "id", id.c_str(),
                          static_cast<char*>(nullptr));
        if (tried.error != nullptr) return tried.problem();
        return {};
    }
};

}  // namespace

std::unique_ptr<keyring> make_system_keyring() {
    return std::make_unique<system_keyring>();
}

}  // namespace instatunnel::config
