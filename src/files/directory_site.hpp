#pragma once

#include <memory>
#include <vector>

#include "instatunnel/files/site.hpp"
#include "lookup.hpp"

namespace instatunnel::files {

class exchange;

/// What the exchanges with one directory share. One loop's thread.
class directory_site final : public site {
public:
    /// Memory of all pages that are being made or sent; beyond it a listing is refused with 503. Files count for
    /// nothing here: they are read as they are sent.
    static constexpr std::size_t max_page_bytes = std::size_t{64} * 1024 * 1024;

    directory_site(net::event_loop& loop, site_options options, site_events& events);
    ~directory_site() override;
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;

    // For exchanges.
    net::event_loop& loop() noexcept { return loop_; }
    const site_options& options() const noexcept { return options_; }
    found look_up(std::string_view target);
    bool may_hold(std::size_t more) const noexcept { return page_bytes_ + more <= max_page_bytes; }
    void hold(std::size_t bytes) noexcept { page_bytes_ += bytes; }
    void let_go(std::size_t bytes) noexcept { page_bytes_ -= bytes; }
    void report(const served_request& request) { events_.on_served(request); }
    void give(exchange& e) { spare_.push_back(&e); }

    wire::itp::reply_head reply;  ///< reused by whichever exchange is being served

private:
    net::event_loop& loop_;
    const site_options options_;
    site_events& events_;
    request_path path_;
    std::size_t page_bytes_ = 0;
    bool was_gone_ = false;
    std::vector<std::unique_ptr<exchange>> exchanges_;  // as many as were ever busy at once
    std::vector<exchange*> spare_;
};

}  // namespace instatunnel::files
