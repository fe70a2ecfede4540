#include "site_visitor.hpp"

#include <catch2/catch.hpp>
#include <regex>

#include "instatunnel/base/form.hpp"

namespace instatunnel::service::testing {

std::string in_query(const std::string& address, const std::string& name) {
    const auto query = form::parse(address.substr(std::min(address.find('?') + 1, address.size())));
    return query ? std::string(query->value(name)) : std::string();
}

secret shown_secret(const std::string& page) {
    static const std::regex code("<code class=\"secret\">([A-Z2-7 ]+)</code>");
    std::smatch found;
    REQUIRE(std::regex_search(page, found, code));
    std::string bytes;
    unsigned buffer = 0;
    int bits = 0;
    for (const char c : found[1].str()) {
        if (c == ' ') continue;
        buffer = (buffer << 5) | static_cast<unsigned>(c >= 'A' ? c - 'A' : c - '2' + 26);
        bits += 5;
        if (bits >= 8) bytes += static_cast<char>(buffer >> (bits -= 8));
    }
    return secret(bytes);
}

// What a browser reads from an attribute.
static std::string unescaped(std::string text) {
    const std::pair<const char*, const char*> entities[] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
    for (const auto& [entity, character] : entities)
        text = std::regex_replace(text, std::regex(entity), character);
    return text;
}

void site_visitor::learn(const reply& r) {
    for (const auto& [name, value] : r.fields) {
        if (name != "Set-Cookie") continue;
        CHECK(value.starts_with("__Host-"));
        for (const auto* attribute : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"})
            CHECK(value.find(attribute) != std::string::npos);
        const auto equals = value.find('=');
        const auto text = value.substr(equals + 1, value.find(';') - equals - 1);
        if (value.find("Max-Age=0") != std::string::npos)
            cookies.erase(value.substr(0, equals));
        else
            cookies[value.substr(0, equals)] = text;
    }
    static const std::regex field("name=\"([^\"]+)\" value=\"([^\"]*)\"");
    if (r.text.find("<form") == std::string::npos) return;
    hidden_.clear();
    for (std::sregex_iterator at(r.text.begin(), r.text.end(), field), end; at != end; ++at)
        if (r.text.compare(static_cast<std::size_t>(at->position()) - 14, 14, "type=\"hidden\" ") == 0)
            hidden_[(*at)[1]] = unescaped((*at)[2]);
}

reply site_visitor::send(const std::string& method, const std::string& path, const std::string& body) {
    api_request request;
    request.method = method;
    request.path = path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) request.query = path.substr(path.find('?') + 1);
    request.remote_address = f_.address;
    std::string list;
    for (const auto& [name, value] : cookies)
        list += (list.empty() ? "" : "; ") + name + "=" + value;
    if (!list.empty()) request.fields.emplace_back("Cookie", list);
    for (const auto& extra : extra_fields)
        request.fields.push_back(extra);
    request.body = secret(body);
    auto r = f_.call_raw(std::move(request));
    learn(r);
    return r;
}

reply site_visitor::get(const std::string& path) {
    return send("GET", path, {});
}

reply site_visitor::post(const std::string& path, const std::map<std::string, std::string>& fields) {
    auto all = hidden_;
    for (const auto& [name, value] : fields)
        all[name] = value;
    form body;
    for (const auto& [name, value] : all)
        body.add(name, value);
    return send("POST", path, body.text());
}

reply site_visitor::post_raw(const std::string& path, const std::string& body) {
    return send("POST", path, body);
}

void site_visitor::sign_in(const std::string& email, const std::string& password) {
    REQUIRE(get("/sign-in").status == 200);
    const auto done = post("/sign-in", {{"email", email}, {"password", password}});
    REQUIRE(done.status == 303);
    REQUIRE(done.field("Location") == "/account");
}

std::string site_visitor::allow(const std::string& query) {
    auto r = get("/v1/oauth/authorize?" + query);
    if (r.status == 200) r = post("/v1/oauth/authorize?" + query, {{"decision", "allow"}});
    REQUIRE(r.status == 303);
    const auto code = in_query(r.field("Location"), "code");
    REQUIRE_FALSE(code.empty());
    return code;
}

void site_visitor::allow_device(const std::string& user_code) {
    REQUIRE(get("/device").status == 200);
    REQUIRE(post("/device", {{"user_code", user_code}}).status == 200);
    REQUIRE(post("/device", {{"decision", "allow"}}).status == 200);
}

}  // namespace instatunnel::service::testing
