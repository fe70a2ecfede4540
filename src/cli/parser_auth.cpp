#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

void add_login(CLI::App& parent, invocation& out, const char* example) {
    auto o = std::make_shared<login_options>();
    auto& app = command(
        parent, "login",
        "Sign in with the browser, or with email and password, or make an account, and store the API key",
        {example, "instatunnel login --device", "instatunnel login -e you@example.com --password-stdin < password.txt",
         "instatunnel login -e you@example.com --register"});
    text(app, "-e,--email", "EMAIL", o->email, "Email of the account; without it you are asked");
    app.add_flag("--password-stdin", o->password_stdin, "Read the password from standard input instead of asking");
    app.add_flag("--register", o->create, "Make the account first; if the address has one, just sign in");
    text(app, "--invite", "CODE", o->invitation, "Invitation, for a new account on a server that asks for one");
    text(app, "--otp", "CODE", o->otp, "Code of the second factor; without it you are asked if one is needed");
    app.add_flag("--web", o->web,
                 "Sign in with the browser; done by itself on a terminal of a graphical session when no other flag is "
                 "given");
    app.add_flag("--device", o->device, "Sign in with a browser on another device: shows a code to type there");
    deliver(app, std::move(o), out);
}

void add_logout(CLI::App& parent, invocation& out, const char* example) {
    auto& app =
        command(parent, "logout", "Remove the stored API key; one that login made is revoked as well", {example});
    deliver(app, std::make_shared<logout_options>(), out);
}

void add_auth_keys(CLI::App& auth, invocation& out) {
    auto set = std::make_shared<set_key_options>();
    auto& set_app = command(auth, "set-key", "Store an API key: asked for hidden, from a pipe, or as an argument",
                            {"instatunnel auth set-key", "instatunnel auth set-key < key.txt"});
    set_app
        .add_option_function<std::string>(
            "KEY", [options = set.get()](const std::string& value) { options->key = secret(value); },
            "The key; without it you are asked, or it is read from standard input")
        ->type_name("");
    deliver(set_app, std::move(set), out);

    auto show = std::make_shared<show_key_options>();
    auto& show_app = command(auth, "show-key", "Show the stored API key, masked; exit code 0 only when one is stored",
                             {"instatunnel auth show-key", "instatunnel auth show-key --reveal"});
    show_app.add_flag("--reveal", show->reveal, "Print the whole key");
    show_app.add_flag("--copy", show->copy, "Copy the whole key to the clipboard");
    deliver(show_app, std::move(show), out);
}

void add_keys_ends(CLI::App& keys, invocation& out) {
    auto revoke = std::make_shared<keys_revoke_options>();
    auto& revoke_app = command(keys, "revoke", "Revoke a key: it is dead at once, and tunnels opened with it end",
                               {"instatunnel auth keys revoke key_VhhE2p6Be9K0Lwaj"});
    text(revoke_app, "ID", "", revoke->id, "Id of the key").required();
    revoke_app.add_flag("--yes", revoke->yes, "Do not ask, even if it is the key in use");
    deliver(revoke_app, std::move(revoke), out);

    auto rotate = std::make_shared<keys_rotate_options>();
    auto& rotate_app =
        command(keys, "rotate", "Replace a key by a new one with the same name, permissions and end",
                {"instatunnel auth keys rotate", "instatunnel auth keys rotate key_VhhE2p6Be9K0Lwaj --grace 1h"});
    text(rotate_app, "ID", "", rotate->id, "Id of the key; without it the key in use");
    text(rotate_app, "--grace", "TIME", rotate->grace,
         "How long the old key goes on working, at most 30d; without it the old key ends at once");
    rotate_app.add_flag("--store", rotate->store,
                        "Store the new key in the profile in use; done by itself if the old one was stored there");
    deliver(rotate_app, std::move(rotate), out);
}

void add_key_management(CLI::App& auth, invocation& out) {
    auto& keys = group(auth, "keys", "List, create, rename, rotate and revoke the account's keys");
    auto& list = command(keys, "ls", "List the account's keys", {"instatunnel auth keys ls"});
    deliver(list, std::make_shared<keys_list_options>(), out);

    auto show = std::make_shared<keys_show_options>();
    auto& show_app = command(keys, "show", "Show one key, masked", {"instatunnel auth keys show key_VhhE2p6Be9K0Lwaj"});
    text(show_app, "ID", "", show->id, "Id of the key").required();
    deliver(show_app, std::move(show), out);

    auto create = std::make_shared<keys_create_options>();
    auto& create_app = command(keys, "create", "Create a key; it is printed on stdout, this once",
                               {"instatunnel auth keys create --name CI --scope tunnels:write --expires 30d",
                                "instatunnel auth keys create --name shop --scope 'tunnels:*' --scope analytics:read"});
    text(create_app, "--name", "NAME", create->name, "What it is for, as lists show it").required();
    texts(create_app, "--scope", "SCOPE", create->scopes, "A permission it holds, group:* for a group; repeatable")
        .required();
    text(create_app, "--expires", "TIME", create->expires, "When it ends: 30d, 12h or 2030-01-31T00:00:00Z");
    deliver(create_app, std::move(create), out);

    auto rename = std::make_shared<keys_rename_options>();
    auto& rename_app =
        command(keys, "rename", "Rename a key", {"instatunnel auth keys rename key_VhhE2p6Be9K0Lwaj production"});
    text(rename_app, "ID", "", rename->id, "Id of the key").required();
    text(rename_app, "NAME", "", rename->name, "Its new name").required();
    deliver(rename_app, std::move(rename), out);
    add_keys_ends(keys, out);
}

void add_invites(CLI::App& root, invocation& out) {
    using what = invite_options::action;
    auto& invite = group(root, "invite", "Invite people, where the server's owner lets accounts do that");
    auto o = std::make_shared<invite_options>();
    auto& create = command(invite, "create", "Make an invitation code; it is printed on stdout, this once",
                           {"instatunnel invite create", "instatunnel invite create --uses 3 --expires 7d"});
    text(create, "--uses", "N", o->uses, "How many people may come by it; default 1");
    text(create, "--expires", "TIME", o->expires, "When it ends: 12h, 30d or 2030-01-31T00:00:00Z; default 30d");
    deliver(create, std::move(o), out);

    auto l = std::make_shared<invite_options>();
    l->what = what::list;
    auto& ls = command(invite, "ls", "List the account's invitations, who came by them, and the credit",
                       {"instatunnel invite ls"});
    deliver(ls, std::move(l), out);

    auto r = std::make_shared<invite_options>();
    r->what = what::revoke;
    auto& revoke = command(invite, "revoke", "Revoke an invitation; who came by it stays",
                           {"instatunnel invite revoke inv_8Fh2kQ0pZr1sTu3v"});
    text(revoke, "ID", "", r->id, "Id of the invitation").required();
    deliver(revoke, std::move(r), out);
}

void add_password_and_email(CLI::App& auth, invocation& out) {
    auto& password = group(auth, "password", "The password of the account");
    auto o = std::make_shared<change_password_options>();
    auto& app = command(
        password, "change", "Change the password of the account",
        {"instatunnel auth password change", "instatunnel auth password change --password-stdin < both-lines.txt"});
    app.add_flag("--password-stdin", o->password_stdin,
                 "Read the current password and the new one, a line each, from standard input instead of asking");
    text(app, "--end-keys", "WHICH", o->end_keys,
         "Other keys that end with it: none (the default), sign_in for those that login made, or all");
    deliver(app, std::move(o), out);

    auto wish = std::make_shared<password_reset_options>();
    auto& reset = command(password, "reset", "Have a link mailed with which a new password can be set",
                          {"instatunnel auth password reset -e you@example.com"});
    text(reset, "-e,--email", "EMAIL", wish->email, "Email of the account; without it that of the profile");
    deliver(reset, std::move(wish), out);

    auto& verify = command(auth, "verify", "Have the link that confirms the email address sent again",
                           {"instatunnel auth verify"});
    deliver(verify, std::make_shared<verify_email_options>(), out);
}

void add_auth(CLI::App& root, invocation& out) {
    auto& auth = group(root, "auth", "Sign in, and look after the API key");
    add_login(auth, out, "instatunnel auth login -e you@example.com");
    add_logout(auth, out, "instatunnel auth logout");
    add_auth_keys(auth, out);
    add_key_management(auth, out);
    add_password_and_email(auth, out);
    auto& status = command(auth, "status", "Show the API key in use, masked, and whether the server accepts it",
                           {"instatunnel auth status"});
    deliver(status, std::make_shared<auth_status_options>(), out);

    auto o = std::make_shared<auth_test_options>();
    auto& test = command(auth, "test", "Show account, plan and permissions of the key, or check one permission",
                         {"instatunnel auth test", "instatunnel auth test --scope tunnels:write"});
    text(test, "--scope", "SCOPE", o->scope, "Check this permission only");
    deliver(test, std::move(o), out);
}

}  // namespace

void add_auth_commands(CLI::App& root, invocation& out) {
    add_invites(root, out);
    add_login(root, out, "instatunnel login");
    add_logout(root, out, "instatunnel logout");
    auto& whoami = command(root, "whoami", "Show the account of the key in use", {"instatunnel whoami"});
    deliver(whoami, std::make_shared<whoami_options>(), out);
    add_auth(root, out);
}

}  // namespace instatunnel::cli
