#include "admin_user.hpp"

#include "data_folder.hpp"
#include "instatunnel/service/admin.hpp"
#include "json_line.hpp"
#include "password.hpp"

namespace instatunnel::cli {
namespace {

// No terminal and no pipe: the service makes one up, and it is shown once.
outcome<std::optional<secret>> password_for(const admin_user_add_options& o, context& c) {
    if (!o.password_stdin && !c.term.can_prompt()) return std::optional<secret>();
    auto password =
        obtain_password(o.password_stdin, "instatunnel admin user add EMAIL --password-stdin < password.txt", c);
    if (!password) return password.error();
    return std::optional<secret>(std::move(*password));
}

}  // namespace

outcome<exit_code> run_admin_user_add(const admin_user_add_options& options, context& c) {
    auto password = password_for(options, c);
    if (!password) return password.error();
    const auto user = service::add_user(data_folder(options.data, c), options.email, std::move(*password), options.name,
                                        options.plan);
    if (!user) return user.error();
    if (c.term.json()) {
        json_line line("admin.user");
        line.with("id", user->id).with("email", user->email).with("name", user->name).with("plan", user->plan);
        if (user->password_was_made) line.with("password", user->password.reveal());
        c.term.result(line.text());
        return exit_code::done;
    }
    c.term.result("✅ Account added: " + printable(user->email) + " (" + user->id + ", plan " + printable(user->plan) +
                  ")");
    if (user->password_was_made) c.term.result("🔒 Password: " + std::string(user->password.reveal()));
    c.term.notice("It signs in with: instatunnel login -e " + printable(user->email));
    return exit_code::done;
}

outcome<exit_code> run_admin_user_list(const admin_user_list_options& options, context& c) {
    const auto users = service::list_users(data_folder(options.data, c));
    if (!users) return users.error();
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& user : *users) {
            auto object = json_line::object();
            object.with("id", user.id)
                .with("email", user.email)
                .with("name", user.name)
                .with("plan", user.plan)
                .with("disabled", user.disabled);
            objects.push_back(object.with("created_at", to_rfc3339(user.created_at)));
        }
        c.term.result(json_line("admin.users").with_objects("users", objects).text());
        return exit_code::done;
    }
    for (const auto& user : *users)
        c.term.result(user.id + "  " + printable(user.email) + "  " + printable(user.plan) + "  " +
                      to_rfc3339(user.created_at) + (user.disabled ? "  disabled" : ""));
    if (users->empty()) c.term.notice("There are no accounts. Add one: instatunnel admin user add EMAIL");
    return exit_code::done;
}

}  // namespace instatunnel::cli
