#include "instatunnel/service/service.hpp"

#include <utility>

#include "admission.hpp"
#include "api.hpp"
#include "audit_log.hpp"
#include "call.hpp"
#include "cors.hpp"
#include "data_folder.hpp"
#include "first_user.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/oauth/server.hpp"
#include "key_addresses.hpp"
#include "key_watch.hpp"
#include "keyring.hpp"
#include "name_guard.hpp"
#include "plan_book.hpp"
#include "plan_gate.hpp"
#include "sign_in_tries.hpp"
#include "tuning.hpp"
#include "usage_ledger.hpp"
#include "work_queue.hpp"

namespace instatunnel::service {
namespace {

constexpr std::chrono::seconds key_uses_every{30};
constexpr std::chrono::minutes first_purge_after{1};
constexpr std::chrono::hours purge_every{1};

constexpr std::chrono::hours random_name_life{30 * 24};
constexpr std::chrono::hours removed_tunnel_life{24};
constexpr std::chrono::hours dead_key_life{90 * 24};
constexpr std::chrono::hours dead_link_life{24};
constexpr std::chrono::hours unused_client_life{24};

class service_impl final : public service {
public:
    service_impl(service_options options, tuning t, data_folder folder)
        : options_(std::move(options)),
          tuning_(std::move(t)),
          data_(std::move(folder.data)),
          names_(options_.domain, options_.public_port),
          cors_(options_.cors_origins),
          pepper_(std::move(folder.pepper)),
          audit_(*data_, pepper_, options_.data, tuning_),
          addresses_(*data_, audit_, tuning_),
          keys_(*data_, pepper_, tuning_),
          oauth_(*data_, oauth_settings()),
          factors_(*data_, pepper_, tuning_),
          sessions_(*data_, pepper_, tuning_),
          watch_(*data_, tuning_),
          limits_(options_.limits),
          plans_(*data_),
          gate_(plans_, *data_, edge_, options_.support_contact),
          guard_(*data_),
          links_(*data_, options_, names_, tuning_),
          admission_(*data_, keys_, addresses_, watch_, limits_, gate_, guard_, audit_, names_, options_.tcp_ports,
                     edge_, tuning_, pepper_),
          passwords_({tuning_.password_cost, 2, tuning_.password_queue, tuning_.on_password_hash}),
          next_purge_(tuning_.steady() + first_purge_after),
          queue_(tuning_.queue, tuning_.tick, [this] { look_after(); }),
          documents_(*data_, options_.fetch, queue_, tuning_),
          api_({options_, tuning_,   names_,          cors_,  *data_,     keys_,      addresses_,
                watch_,   limits_,   account_limits_, links_, admission_, plans_,     gate_,
                guard_,   usage_,    requests_,       audit_, oauth_,     documents_, pepper_,
                factors_, sessions_, passwords_,      queue_, edge_}) {
        if (options_.require_verified_email) admission_.require_verified_email();
        if (options_.anonymous_tunnels) admission_.allow_anonymous();
        queue_.post([this] { leave_address(); });
    }

    ~service_impl() override { service_impl::stop(); }

    // Before other threads know the service. Sign-in tries of the last minute count as if there had been no restart.
    outcome<void> note_start() {
        outcome<void> noted = failure(errc::busy);
        queue_.run_and_wait([&] {
            noted = restore_sign_in_tries(*data_, limits_, tuning_);
            if (!noted) return;
            audit_event started("service.started");
            started.by(actor_kind::system).about(options_.domain).with("version", options_.version);
            noted = audit_.append(started);
            (void)audit_.flush();  // the head file is there from the beginning
        });
        return noted;
    }

    void attach(live_tunnels& edge) override {
        queue_.run_and_wait([&] { edge_ = &edge; });
    }

    void handle(api_request request, api_callback done) override {
        auto asked = std::make_shared<api_request>(std::move(request));
        if (queue_.post([this, asked, done] { api_.handle(std::move(*asked), done); })) return;
        call refused(std::move(*asked), std::move(done));
        refused.added = cors_.for_answer(refused.field("Origin"));
        refused.fail(failure(errc::busy));
    }

    void admit(tunnel_claim claim, admit_callback done) override {
        auto asked = std::make_shared<tunnel_claim>(std::move(claim));
        if (!queue_.post([this, asked, done] { done(admission_.admit(*asked)); })) done(failure(errc::busy));
    }

    void record_usage(const std::string& tunnel_id, std::uint64_t requests, std::uint64_t bytes_in,
                      std::uint64_t bytes_out) override {
        usage_.add(tunnel_id, requests, bytes_in, bytes_out);
    }

    request_log& requests() noexcept override { return requests_; }

    void release_waiting() override { api_.followers().release(); }

    outcome<first_user> ensure_first_user() override {
        outcome<first_user> user = failure(errc::busy);
        queue_.run_and_wait([&] { user = settle_first_user(options_.data, *data_, keys_, audit_, tuning_); });
        return user;
    }

    void stop() override {
        if (std::exchange(stopped_, true)) return;
        queue_.close();     // nothing new
        passwords_.stop();  // sign-ins that wait post their second half to the queue,
        queue_.stop();      // which therefore goes after them
        store_figures();
        (void)audit_.append(audit_event("service.stopped").by(actor_kind::system).about(options_.domain));
        (void)audit_.flush();
        data_.reset();
    }

private:
    oauth::server_settings oauth_settings() const {
        oauth::server_settings settings;
        settings.issuer = names_.url("api");
        settings.domain = options_.domain;
        // The same for keys and tokens, so that one look-up finds either.
        settings.digest = [this](std::string_view text) { return auth::key_digest(pepper_, text); };
        settings.now = tuning_.now;
        settings.dynamic_registration = options_.client_registration;
        settings.client_documents = options_.fetch != nullptr;
        return settings;
    }

    void store_figures() {
        // The store has logged why; what could not be written is tried again at the next tick.
        (void)usage_.flush(*data_);
        (void)keys_.flush_uses();
        (void)addresses_.flush();
    }

    void look_after() {
        (void)usage_.flush(*data_);
        follow_others();
        (void)addresses_.flush();
        (void)audit_.flush();
        const auto now = tuning_.steady();
        if (now >= next_key_uses_) {
            next_key_uses_ = now + key_uses_every;
            (void)keys_.flush_uses();
            admission_.look_after_anonymous();
        }
        if (now >= next_purge_) {
            next_purge_ = now + purge_every;
            purge();
            cut_audit();
        }
        api_.followers().look();
        if (tuning_.on_tick) tuning_.on_tick();
    }

    // An admin command works on the same data beside us: what was remembered of it may be wrong then.
    void follow_others() {
        if (const auto changed = data_->changed_elsewhere(); changed && *changed) {
            keys_.forget_all();
            watch_.look_again();
            plans_.forget();
            guard_.forget();
            check_names_again_ = true;
        }
        watch_.look_after(edge_);
        if (check_names_again_ && edge_ != nullptr) check_names_again_ = !guard_.end_lost_tunnels(*edge_);
    }

    void cut_audit() {
        if (options_.audit_keep.count() == 0) return;
        const auto more = audit_.cut(tuning_.now() - options_.audit_keep);
        if (!more)
            log::error("audit.not_cut").with("reason", more.error().what());
        else if (*more)
            next_purge_ = tuning_.steady();
    }

    // For links that commands on the data folder make.
    void leave_address() {
        const auto url = names_.url("api");
        const auto known = data_->find_setting(api_url_setting);
        if (known && *known != url) (void)data_->put_setting(api_url_setting, url);
    }

    void purge() {
        std::vector<std::string> connected;
        if (edge_ != nullptr) {
            const auto live = edge_->list();
            if (!live) return;  // their names could be purged below
            for (const auto& t : *live)
                connected.push_back(t.tunnel_id);
            watch_.keep_only(*live);
        }
        const auto now = tuning_.now();
        // Names in use are touched first; if that failed they could be purged below.
        if (!data_->touch_names(connected, now)) return;
        (void)data_->purge({now - random_name_life, now - removed_tunnel_life, now - dead_key_life,
                            now - dead_link_life, now - dead_key_life});
        (void)data_->purge_oauth(now - dead_link_life, now - unused_client_life);
        (void)data_->purge_web_sessions(now);
    }

    const service_options options_;
    const tuning tuning_;
    std::unique_ptr<store::store> data_;
    const name_space names_;
    const cors_policy cors_;
    usage_ledger usage_;
    request_log requests_;
    const secret pepper_;

    // From here to next_purge_: used on the queue's thread only.
    audit_log audit_;
    key_addresses addresses_;
    keyring keys_;
    oauth::server oauth_;
    second_factor factors_;
    web_sessions sessions_;
    key_watch watch_;
    call_limits limits_;
    plan_book plans_;
    plan_gate gate_;
    name_guard guard_;
    bool check_names_again_ = false;
    account_limits account_limits_;
    account_links links_;
    admission admission_;
    live_tunnels* edge_ = nullptr;
    auth::password_pool passwords_;
    auth::steady_time next_key_uses_{};
    auth::steady_time next_purge_;

    bool stopped_ = false;
    work_queue queue_;
    client_documents documents_;
    api api_;
};

}  // namespace

outcome<std::unique_ptr<service>> open_tuned(service_options options, tuning t) {
    auto folder = open_data_folder(options.data);
    if (!folder) return folder.error();
    auto opened = std::make_unique<service_impl>(std::move(options), std::move(t), std::move(*folder));
    if (auto noted = opened->note_start(); !noted) return noted.error();
    return std::unique_ptr<service>(std::move(opened));
}

outcome<std::unique_ptr<service>> service::open(service_options options) {
    return open_tuned(std::move(options), tuning());
}

}  // namespace instatunnel::service
