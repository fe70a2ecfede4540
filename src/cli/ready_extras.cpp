#include "ready_extras.hpp"

#include <system_error>
#include <utility>

#include "clipboard.hpp"
#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"
#include "qr_code.hpp"
#include "share_texts.hpp"
#include "tunnel_figures.hpp"

namespace instatunnel::cli {
namespace {

void print_texts(const std::string& url, terminal& term) {
    for (const auto& text : share_texts(printable(url)))
        term.result(text);
}

}  // namespace

ready_extras::~ready_extras() {
    if (copying_.joinable()) copying_.join();
}

void ready_extras::show(const std::string& url) {
    if (std::exchange(shown_, true)) return;
    if (wishes_.copy) copy(url);
    if (c_.term.json()) return;
    if (wishes_.qr) draw(url);
    if (wishes_.share) print_texts(url, c_.term);
}

// Asked for by name, so it is drawn wherever the output goes.
void ready_extras::draw(const std::string& url) {
    const auto columns = c_.term.may_draw() ? c_.term.columns() : 0;
    const auto lines = qr_lines(url, c_.term.has_colour(), columns);
    if (lines.empty()) c_.term.notice("There is no room for a QR code: make the terminal wider");
    for (const auto& line : lines)
        c_.term.result(line);
}

void ready_extras::copy(const std::string& url) {
    const auto work = [this, url] {
        if (!copy_to_clipboard(url))
            c_.term.notice("The address is not in the clipboard: none of wl-copy, xclip, xsel and pbcopy works here");
        else if (!c_.term.json())
            c_.term.result("📋 URL copied to clipboard!");
    };
    try {
        copying_ = std::thread(work);
    } catch (const std::system_error&) {
        c_.term.notice("The address is not in the clipboard: this machine is too busy");
    }
}

outcome<exit_code> run_share(context& c) {
    std::string url = address_to_fill_in;
    std::size_t active = 0;
    // The texts are worth something without an address too, so nothing that goes wrong on the way to it is an error.
    if (const auto in_use = resolve(c, key_need::required))
        if (auto http = c.make_http(in_use->cacert))
            if (const auto tunnels = api::auth_client(**http, in_use->server).tunnels(in_use->key))
                for (const auto& t : *tunnels)
                    if (is_active(t) && ++active == 1) url = t.url;
    if (active > 1) url = address_to_fill_in;
    if (c.term.json())
        c.term.result(json_line("share")
                          .with("url", active == 1 ? std::optional(url) : std::nullopt)
                          .with("texts", std::span<const std::string>(share_texts(url)))
                          .text());
    else
        print_texts(url, c.term);
    if (active != 1) c.term.notice("Write the address of your tunnel for " + std::string(address_to_fill_in));
    return exit_code::done;
}

}  // namespace instatunnel::cli
