#include "contract.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::store::testing {

wall_time at_second(std::int64_t second) {
    return wall_time(std::chrono::seconds(second));
}

user make_user(const std::string& name) {
    user u;
    u.id = "user_" + name;
    u.account_id = "acc_" + name;
    u.email = name + "@example.com";
    u.name = name;
    u.plan = "pro";
    u.password_hash = "$argon2id$" + name;
    u.created_at = at_second(100);
    return u;
}

api_key make_key(const user& owner, const std::string& name) {
    api_key key;
    key.id = "key_" + owner.name + "_" + name;
    key.account_id = owner.account_id;
    key.user_id = owner.id;
    key.name = name;
    key.digest = sha256(key.id);
    key.tail = "abc";
    key.scopes = {"tunnels:read", "tunnels:write"};
    key.created_at = at_second(200);
    return key;
}

tunnel_request make_request(const user& owner, const std::string& name, wall_time now) {
    static int serial = 0;
    tunnel_request request;
    request.id = "tun_" + std::to_string(++serial);
    request.account_id = owner.account_id;
    request.name = name;
    request.target = "localhost:3000";
    request.now = now;
    return request;
}

user add(store& target, const std::string& name) {
    auto u = make_user(name);
    REQUIRE(target.add_user(u, std::nullopt));
    return u;
}

}  // namespace instatunnel::store::testing
