#include "app_origin.hpp"

#include <algorithm>

#include "http2_upstream.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/grpc.hpp"
#include "upstream.hpp"

namespace instatunnel::client {
namespace {

bool is_grpc_call(const wire::itp::open_head& open) {
    // Calls are POST, always: other requests cost nothing here.
    return open.method == "POST" && std::ranges::any_of(open.fields, [](const wire::field& f) {
               return f.name.size() == 12 && iequals(f.name, "content-type") && wire::is_grpc(f.value);
           });
}

class app_origin final : public origin {
public:
    explicit app_origin(std::unique_ptr<local_app> app)
        : app_(std::move(app)), protocol_(app_->options().protocol), http1_(*app_), http2_(*app_) {
        // The filter of MCP tools stands in the HTTP/1.1 way: a call that calls itself gRPC must not get around it.
        if (app_->options().mcp_tools.any()) protocol_ = app_protocol::http1;
    }

    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override {
        if (wants_http2(open)) return http2_.serve(s, open, flags);
        http1_.serve(s, open, flags);
    }
    void forget_look_ups() noexcept override { app_->addresses().forget_look_ups(); }
    std::uint64_t served() const noexcept override { return app_->served(); }

private:
    bool wants_http2(const wire::itp::open_head& open) const {
        if (protocol_ == app_protocol::automatic) return is_grpc_call(open);
        return protocol_ == app_protocol::h2c;
    }

    std::unique_ptr<local_app> app_;
    app_protocol protocol_;
    upstream http1_;
    http2_upstream http2_;
};

}  // namespace

outcome<std::unique_ptr<origin>> open_app_origin(net::event_loop& loop, const tunnel_options& options,
                                                 tunnel_events& events) {
    auto app = local_app::make(loop, options, events);
    if (!app) return app.error();
    return std::unique_ptr<origin>(std::make_unique<app_origin>(std::move(*app)));
}

}  // namespace instatunnel::client
