#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "instatunnel/base/log.hpp"
#include "instatunnel/base/random.hpp"
#include "mail_queue.hpp"

namespace instatunnel::mail {
namespace {

constexpr long connect_limit_ms = 10'000;
constexpr long whole_limit_ms = 30'000;

struct easy_free {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct list_free {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

std::size_t give(char* into, std::size_t size, std::size_t count, void* from) {
    auto& rest = *static_cast<std::string_view*>(from);
    const auto n = std::min(rest.size(), size * count);
    std::memcpy(into, rest.data(), n);
    rest.remove_prefix(n);
    return n;
}

int aborted(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

const char* cause_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return "its name cannot be resolved";
        case CURLE_COULDNT_CONNECT:
            return "it does not accept connections";
        case CURLE_OPERATION_TIMEDOUT:
            return "it did not answer in time";
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return "its certificate is not trusted";
        case CURLE_USE_SSL_FAILED:
            return "it does not offer TLS";
        case CURLE_SSL_CONNECT_ERROR:
            return "the TLS handshake failed";
        case CURLE_LOGIN_DENIED:
            return "it does not accept the user or password";
        default:
            return "the conversation failed";
    }
}

/// Hands mails to one SMTP server. One thread at a time.
class smtp_transport {
public:
    smtp_transport(smtp_server server, mailbox from) : server_(std::move(server)), from_(std::move(from)) {}

    delivery send(const message& m, const std::stop_token& stop) const {
        const auto mail = compose(m, from_, wall_now(), random_base62(24));
        if (!mail) {
            log::error("mail.unusable").with("cause", mail.error().what());
            return delivery::refused;
        }
        const std::unique_ptr<CURL, easy_free> handle(curl_easy_init());
        if (handle == nullptr) return delivery::try_later;
        const std::unique_ptr<curl_slist, list_free> to(curl_slist_append(nullptr, ("<" + m.to + ">").c_str()));
        auto rest = mail->reveal();
        name_server(handle.get());
        bound(handle.get(), stop);
        curl_easy_setopt(handle.get(), CURLOPT_MAIL_FROM, ("<" + from_.address + ">").c_str());
        curl_easy_setopt(handle.get(), CURLOPT_MAIL_RCPT, to.get());
        curl_easy_setopt(handle.get(), CURLOPT_READFUNCTION, &give);
        curl_easy_setopt(handle.get(), CURLOPT_READDATA, &rest);
        curl_easy_setopt(handle.get(), CURLOPT_UPLOAD, 1L);
        return verdict(handle.get(), curl_easy_perform(handle.get()));
    }

private:
    void name_server(CURL* handle) const {
        // The path is what EHLO says.
        const auto url = std::string(server_.implicit_tls ? "smtps://" : "smtp://") + server_.host + ":" +
                         std::to_string(server_.port) + "/" + from_.address.substr(from_.address.find('@') + 1);
        curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(handle, CURLOPT_PROXY, "");  // what the environment says is meant for HTTP
        // Elsewhere a mail with a link that opens an account does not travel in the clear.
        curl_easy_setopt(handle, CURLOPT_USE_SSL,
                         static_cast<long>(server_.is_local() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
        curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!server_.cacert.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, server_.cacert.c_str());
        if (server_.user.empty()) return;
        curl_easy_setopt(handle, CURLOPT_USERNAME, server_.user.c_str());
        // A secret is a whole std::string, so a zero byte follows it.
        curl_easy_setopt(handle, CURLOPT_PASSWORD, server_.password.reveal().data());
    }

    static void bound(CURL* handle, const std::stop_token& stop) {
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms);
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, whole_limit_ms);
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &aborted);
        curl_easy_setopt(handle, CURLOPT_XFERINFODATA, const_cast<std::stop_token*>(&stop));
    }

    // 5xx to a command is the server's last word on this mail (RFC 5321 §4.2.1); a refused sign-in is the owner's to
    // mend, and the mail can go then.
    delivery verdict(CURL* handle, CURLcode code) const {
        if (code == CURLE_OK) return delivery::sent;
        long reply = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply);
        log::warn("mail.not_sent").with("server", server_.host).with("cause", cause_of(code)).with("reply", reply);
        const bool last_word = reply >= 500 && code != CURLE_LOGIN_DENIED && code != CURLE_USE_SSL_FAILED;
        return last_word ? delivery::refused : delivery::try_later;
    }

    const smtp_server server_;
    const mailbox from_;
};

}  // namespace

std::unique_ptr<mailer> make_smtp_mailer(smtp_server server, mailbox from) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    auto transport = std::make_shared<const smtp_transport>(std::move(server), std::move(from));
    return std::make_unique<mail_queue>(
        [transport](const message& m, const std::stop_token& stop) { return transport->send(m, stop); },
        mail_queue::options());
}

}  // namespace instatunnel::mail
