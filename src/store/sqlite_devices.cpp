#include "sqlite_store.hpp"
#include "words.hpp"

namespace instatunnel::store {
namespace {

#define IT_DEVICE_QUERY                                                                                       \
    "SELECT device_digest, user_code_digest, client_id, client_name, resource, scopes, address, created_at, " \
    "expires_at, interval_s, last_poll_at, coalesce(user_id, ''), coalesce(account_id, ''), grant_id, "       \
    "approved_at, denied_at FROM device_requests "

outcome<std::optional<device_request>> find_one_request(query& row) {
    std::optional<device_request> found;
    if (row.next()) {
        auto& request = found.emplace();
        request.device_digest = row.text(0);
        request.user_code_digest = row.text(1);
        request.client_id = row.text(2);
        request.client_name = row.text(3);
        request.resource = row.text(4);
        request.scopes = split_words(row.text(5));
        request.address = row.text(6);
        request.created_at = row.time(7);
        request.expires_at = row.time(8);
        request.interval_s = row.number(9);
        request.last_poll_at = row.maybe_time(10);
        request.user_id = row.text(11);
        request.account_id = row.text(12);
        request.grant_id = row.text(13);
        request.approved_at = row.maybe_time(14);
        request.denied_at = row.maybe_time(15);
    }
    if (row.failed()) return row.error();
    return found;
}

}  // namespace

outcome<void> sqlite_store::add_device_request(const device_request& request) {
    query add(*db_,
              "INSERT INTO device_requests(device_digest, user_code_digest, client_id, client_name, resource, scopes, "
              "address, created_at, expires_at, interval_s, grant_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')");
    add.bind_bytes(request.device_digest).bind_bytes(request.user_code_digest).bind(request.client_id);
    add.bind(request.client_name).bind(request.resource).bind(join_words(request.scopes)).bind(request.address);
    return add.bind(request.created_at).bind(request.expires_at).bind(request.interval_s).run();
}

outcome<std::optional<device_request>> sqlite_store::find_device_request(std::string_view device_digest) {
    query find(*db_, IT_DEVICE_QUERY "WHERE device_digest = ?");
    return find_one_request(find.bind_bytes(device_digest));
}

outcome<std::optional<device_request>> sqlite_store::find_device_request_by_user_code(std::string_view digest) {
    query find(*db_, IT_DEVICE_QUERY "WHERE user_code_digest = ?");
    return find_one_request(find.bind_bytes(digest));
}

outcome<void> sqlite_store::update_device_request(const device_request& request) {
    query update(*db_,
                 "UPDATE device_requests SET interval_s = ?, last_poll_at = ?, user_id = nullif(?, ''), "
                 "account_id = nullif(?, ''), grant_id = ?, approved_at = ?, denied_at = ? WHERE device_digest = ?");
    update.bind(request.interval_s).bind(request.last_poll_at).bind(request.user_id).bind(request.account_id);
    update.bind(request.grant_id).bind(request.approved_at).bind(request.denied_at);
    return update.bind_bytes(request.device_digest).run();
}

outcome<void> sqlite_store::remove_device_request(std::string_view device_digest) {
    query remove(*db_, "DELETE FROM device_requests WHERE device_digest = ?");
    return remove.bind_bytes(device_digest).run();
}

}  // namespace instatunnel::store
