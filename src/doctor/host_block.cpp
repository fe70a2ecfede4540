#include "host_block.hpp"

#include <array>
#include <string_view>

#include "instatunnel/base/names.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

struct block_sign {
    const char* words;    ///< in the body
    const char* further;  ///< as well; empty: none needed
    const char* program;
    const char* setting;  ///< with {} for the domain
};

// The first that fits counts: words that several programs use stand behind those that only one does.
constexpr block_sign block_signs[] = {
    {"angular.json", "allowedHosts", "Angular", R"("allowedHosts": [".{}"] of the target "serve" in angular.json)"},
    {"preview.allowedHosts", "", "Vite", "preview: { allowedHosts: ['.{}'] } in vite.config"},
    {"Blocked request. This host", "allowedHosts", "Vite", "server: { allowedHosts: ['.{}'] } in vite.config"},
    {"Invalid Host header", "", "webpack-dev-server", "devServer: { allowedHosts: ['.{}'] } in webpack.config.js"},
    {"Blocked host", "", "Rails", R"(config.hosts << ".{}" in config/environments/development.rb)"},
    {"DisallowedHost", "", "Django", "ALLOWED_HOSTS = ['.{}', 'localhost'] in settings.py"},
    {"ALLOWED_HOSTS", "", "Django", "ALLOWED_HOSTS = ['.{}', 'localhost'] in settings.py"},
    {"<h1>Bad Request (400)</h1>", "", "Django", "ALLOWED_HOSTS = ['.{}', 'localhost'] in settings.py"},
    {"Invalid host header", "", "Starlette", R"(TrustedHostMiddleware with allowed_hosts=["*.{}", "localhost"])"},
    {"Untrusted Host", "", "Symfony", R"(trusted_hosts: '^.+\.{}$' of the framework's configuration)"},
    {"Invalid Hostname", "", "ASP.NET", R"("AllowedHosts": "*.{};localhost" in appsettings.json)"},
    {"non-local 'Host'", "", "Jupyter", "c.ServerApp.allow_remote_access = True in jupyter_server_config.py"},
};

bool is_refusal(int status) {
    return status == 400 || status == 403 || status == 404 || status == 421;
}

std::string filled(std::string_view setting, const std::string& domain) {
    std::string text(setting);
    if (const auto at = text.find("{}"); at != std::string::npos) text.replace(at, 2, domain);
    return text;
}

std::string status_text(int status) {
    return "status " + std::to_string(status);
}

bool leads_to_itself(std::string_view location) {
    constexpr std::array<std::string_view, 6> homes = {"http://localhost",  "https://localhost", "http://127.0.0.1",
                                                       "https://127.0.0.1", "http://[::1]",      "http://0.0.0.0"};
    for (const auto home : homes) {
        const auto rest = location.substr(std::min(home.size(), location.size()));
        // "localhost.example.com" is somebody else.
        if (location.starts_with(home) && (rest.empty() || rest.front() == ':' || rest.front() == '/')) return true;
    }
    return false;
}

}  // namespace

std::optional<host_block> recognise_host_block(const client::local_answer& reply, const std::string& domain) {
    // Older ones refuse with status 200; a page that only speaks of such words is longer than the words.
    const bool is_bare = reply.body.size() < 64 && reply.body.starts_with("Invalid Host header");
    if (!is_bare && (reply.status < 400 || reply.status > 499)) return std::nullopt;
    for (const auto& sign : block_signs)
        if (reply.body.find(sign.words) != std::string::npos && reply.body.find(sign.further) != std::string::npos)
            return host_block{sign.program, filled(sign.setting, domain)};
    return std::nullopt;
}

bool refuses_public_name(const host_answers& heard, const std::string& domain) {
    if (recognise_host_block(heard.own, domain)) return false;
    if (recognise_host_block(heard.as_public, domain)) return true;
    return is_refusal(heard.as_public.status) && heard.own.status != heard.as_public.status &&
           !is_refusal(heard.own.status);
}

check judge_public_name(const host_answers& heard, const std::string& public_name, const std::string& domain,
                        const std::string& target) {
    auto c = make_check(step::host);
    const auto name = "\"" + public_name + "\"";
    if (refuses_public_name(heard, domain)) {
        const auto block = recognise_host_block(heard.as_public, domain).value_or(host_block{});
        const auto who = block.program.empty() ? std::string("The program") : block.program;
        const bool rewriting_helps = heard.rewritten && heard.rewritten->status == heard.own.status &&
                                     !recognise_host_block(*heard.rewritten, domain);
        std::string mend = rewriting_helps ? "instatunnel " + target + " --host-header rewrite" : std::string();
        if (!block.setting.empty()) mend += (mend.empty() ? "Set " : ", or set ") + block.setting;
        if (mend.empty()) mend = "Allow names below " + domain + " in the program's configuration";
        return warned(std::move(c), name + ": " + status_text(heard.as_public.status),
                      who + " refuses visitors who come by the public name", std::move(mend),
                      errc::target_bad_response);
    }
    if (heard.cross_site && heard.cross_site->status == 403)
        return warned(std::move(c),
                      name + ": " + status_text(heard.as_public.status) + ", 403 for what is below /_next",
                      "Next.js refuses its own scripts to pages of the public name",
                      "Set allowedDevOrigins: ['*." + domain + "'] in next.config.js", errc::target_bad_response);
    if (const auto location = heard.as_public.field("Location");
        heard.as_public.status >= 300 && heard.as_public.status < 400 && leads_to_itself(location))
        return warned(std::move(c), name + ": redirect to " + std::string(location),
                      "The program sends visitors to an address of this machine",
                      "Let it build addresses from X-Forwarded-Proto and X-Forwarded-Host, or without a host");
    return well(std::move(c), name + " is answered like its own (" + status_text(heard.as_public.status) + ")");
}

}  // namespace instatunnel::doctor
