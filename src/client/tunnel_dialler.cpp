#include "tunnel_dialler.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace instatunnel::client {
namespace {

constexpr std::chrono::milliseconds dial_limit{10'000};

// A part of `o` for a thread that may outlive the tunnel.
tunnel_options order_of(const tunnel_options& o) {
    tunnel_options order;
    order.kind = o.kind;
    order.upstream = o.upstream;
    order.server = o.server;
    order.cacert = o.cacert;
    order.key = o.key.clone();
    order.name = o.name;
    order.existing_host = o.existing_host;
    order.visitor_password = o.visitor_password.clone();
    order.visitor_basic = o.visitor_basic.clone();
    return order;
}

}  // namespace

tunnel_dialler::tunnel_dialler(net::event_loop& loop, dial_events& events)
    : loop_(loop), events_(events), ticket_(std::make_shared<ticket>(this)) {}

tunnel_dialler::~tunnel_dialler() {
    const std::lock_guard lock(ticket_->guard);
    ticket_->owner = nullptr;
}

template <class Work>
bool tunnel_dialler::start_thread(Work work) {
    try {
        std::thread(std::move(work)).detach();
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

bool tunnel_dialler::dial(const net::endpoint_name& to) {
    return start_thread([ticket = ticket_, to, question = ++question_] {
        auto dialled = std::make_shared<outcome<unique_fd>>(net::dial(to, dial_limit));
        ticket->tell(question, [dialled](dial_events& events) { events.on_dialled(std::move(*dialled)); });
    });
}

bool tunnel_dialler::dial_v1(const net::endpoint_name& to, const tunnel_options& options, const std::string& name,
                             std::optional<v1_place> place) {
    const auto order = std::make_shared<tunnel_options>(order_of(options));
    if (order->name.empty() && order->existing_host.empty()) order->name = name;
    return start_thread([ticket = ticket_, order, place = std::move(place), to, question = ++question_]() mutable {
        auto dialled = std::make_shared<outcome<unique_fd>>(errc::internal);
        if (!place) {
            auto opened = open_v1_tunnel(*order);
            if (opened)
                place = std::move(*opened);
            else
                *dialled = opened.error();
        }
        if (place) *dialled = net::dial(to, dial_limit);
        ticket->tell(question,
                     [place, dialled](dial_events& events) { events.on_v1_dialled(place, std::move(*dialled)); });
    });
}

bool tunnel_dialler::ask_for_older(const tunnel_options& options, const failure& otherwise) {
    return start_thread(
        [ticket = ticket_, server = options.server, cacert = options.cacert, otherwise, question = ++question_] {
            const bool is_older = speaks_only_v1(server, cacert);
            ticket->tell(question, [=](dial_events& events) { events.on_older_known(is_older, otherwise); });
        });
}

}  // namespace instatunnel::client
