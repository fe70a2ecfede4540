#include "directory_origin.hpp"

namespace instatunnel::client {
namespace {

class directory_origin final : public origin, private files::site_events, private net::deferred {
public:
    directory_origin(net::event_loop& loop, tunnel_events& events) : loop_(loop), events_(events) {}

    outcome<void> open(const tunnel_options& options) {
        const auto& to = options.upstream;
        auto opened = files::site::open(loop_, {to.directory, to.display, options.directory_rules}, *this);
        if (!opened) return opened.error();
        site_ = std::move(*opened);
        return {};
    }
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override {
        site_->serve(s, open, flags);
    }
    std::uint64_t served() const noexcept override { return served_; }

private:
    void on_served(const files::served_request& request) override {
        ++served_;
        events_.on_request({request.method, request.path, request.status, request.bytes, request.took});
        loop_.defer(*this);
    }
    void on_trouble(const failure& why) override { events_.on_notice(why); }
    void run_deferred() override { events_.on_turn_end(); }

    net::event_loop& loop_;
    tunnel_events& events_;
    std::uint64_t served_ = 0;
    std::unique_ptr<files::site> site_;
};

}  // namespace

outcome<std::unique_ptr<origin>> open_directory_origin(net::event_loop& loop, const tunnel_options& options,
                                                       tunnel_events& events) {
    auto made = std::make_unique<directory_origin>(loop, events);
    if (auto opened = made->open(options); !opened) return opened.error();
    return std::unique_ptr<origin>(std::move(made));
}

}  // namespace instatunnel::client
