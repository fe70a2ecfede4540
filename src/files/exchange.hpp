#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "directory_site.hpp"
#include "instatunnel/engine/session.hpp"
#include "listing_job.hpp"
#include "reply_body.hpp"

namespace instatunnel::files {

/// One request to the directory and its reply: looked up at once; a listing is collected in steps; the body follows as
/// the stream takes it. Owned by the site, which uses it again after over().
class exchange final : public engine::stream_events, private net::deferred {
public:
    explicit exchange(directory_site& site) : site_(site) {}
    void start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    void on_data(engine::stream&, std::string_view bytes) override;
    void on_end(engine::stream&) override {}
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;
    void on_drained(engine::stream&) override;

private:
    void run_deferred() override;
    void answer(const wire::itp::open_head& open);
    void answer_file(found f, const std::vector<wire::field>& fields);
    void add_pieces(const found& f, const std::vector<byte_range>& ranges, std::string_view type);
    void redirect(const std::string& name, std::string_view target);
    void continue_listing();
    void answer_problem(int status, std::string_view message);
    void answer_page(int status, page content);
    void add_field(std::string_view name, std::string value) { fields_.emplace_back(name, std::move(value)); }
    void send_head(int status, std::int64_t length);
    void send_body();
    void hold(std::size_t bytes);
    void fail(engine::code why);
    void over();

    directory_site& site_;
    engine::stream* stream_ = nullptr;
    std::string method_;
    std::string path_;
    std::chrono::steady_clock::time_point started_;
    std::chrono::sys_seconds now_{};
    wire::page_form form_ = wire::page_form::plain;
    bool is_head_ = false;
    int status_ = 0;
    std::vector<std::pair<std::string_view, std::string>> fields_;
    std::optional<listing_job> listing_;
    reply_body body_;
    std::size_t held_ = 0;  ///< what the site was told of
};

}  // namespace instatunnel::files
