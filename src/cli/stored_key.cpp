#include "stored_key.hpp"

#include "clipboard.hpp"
#include "credentials.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t longest_key_input = 4096;

outcome<secret> obtain_key(const set_key_options& options, context& c) {
    if (!options.key.empty()) {
        c.term.complain(
            "Notice: a key on the command line stays in the shell's history and is seen in the list of processes. "
            "Safer: instatunnel auth set-key < key.txt");
        return check_key(options.key.reveal(), "the command line");
    }
    if (!c.term.input_is_terminal()) {
        auto text = c.term.read_input(longest_key_input);
        if (!text) return text.error();
        const secret piped(std::move(*text));
        if (piped.reveal().find_first_not_of(" \t\r\n") == std::string_view::npos)
            return failure(errc::not_a_terminal, "No key came on standard input, and there is no terminal to ask on",
                           "Pipe it: instatunnel auth set-key < key.txt");
        return check_key(piped.reveal(), "standard input");
    }
    if (!c.term.can_prompt())
        return failure(errc::not_a_terminal, "A key is needed, and there is no terminal to ask on",
                       "Pipe it: instatunnel auth set-key < key.txt");
    const auto typed = c.ask.ask_hidden("🔑 API Key: ");
    if (!typed) return typed.error();
    return check_key(typed->reveal(), "the prompt");
}

}  // namespace

outcome<exit_code> run_set_key(const set_key_options& options, context& c) {
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    auto key = obtain_key(options, c);
    if (!key) return key.error();
    config::profile p;
    if (place->server_from != origin::preset) p.server = place->server;
    p.cacert = place->cacert;
    p.key = std::move(*key);
    if (auto saved = c.store.save(place->profile.name, p); !saved) return saved.error();
    if (c.term.json()) {
        c.term.result(json_line("auth.key_stored")
                          .with("key", mask_key(p.key.reveal()))
                          .with("profile", place->profile.name)
                          .with("server", place->server)
                          .text());
    } else {
        c.term.result("✅ API key stored: " + mask_key(p.key.reveal()));
        c.term.notice("Profile " + place->profile.name + " in " + c.store.file().string() + ", for " + place->server);
    }
    if (!c.env.api_key.empty()) c.term.notice("INSTATUNNEL_API_KEY is set and wins over the stored key");
    return exit_code::done;
}

outcome<exit_code> run_show_key(const show_key_options& options, context& c) {
    const auto profile = load_profile(c);
    if (!profile) return profile.error();
    if (!profile->stored.has_key())
        return failure(errc::no_key, "No API key is stored in profile " + profile->name,
                       "Sign in with: instatunnel login, or store one: instatunnel auth set-key");
    const auto key = c.store.key_of(profile->stored);
    if (!key) return key.error();
    if (options.copy)
        if (auto copied = copy_to_clipboard(key->reveal()); !copied) return copied.error();
    const std::string shown = options.reveal ? std::string(key->reveal()) : mask_key(key->reveal());
    if (c.term.json())
        c.term.result(json_line("auth.key")
                          .with("key", shown)
                          .with("profile", profile->name)
                          .with("copied", options.copy)
                          .text());
    else
        c.term.result(shown);
    if (options.copy) c.term.notice("The key is on the clipboard");
    return exit_code::done;
}

}  // namespace instatunnel::cli
