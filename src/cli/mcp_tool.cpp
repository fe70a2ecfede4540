#include "mcp_tool.hpp"

#include "mcp_schema.hpp"

namespace instatunnel::cli {

using nlohmann::json;

namespace {

json told(std::string text) {
    json part = json::object();
    part["type"] = "text";
    part["text"] = std::move(text);
    json content = json::array();
    content.push_back(std::move(part));
    json result = json::object();
    result["content"] = std::move(content);
    return result;
}

}  // namespace

json tool_failure(const failure& f) {
    auto result = told(std::string(f.what()) + ". " + std::string(f.what_next()));
    result["isError"] = true;
    return result;
}

std::string text_argument(const json& arguments, const char* name) {
    const auto found = arguments.find(name);
    return found != arguments.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_argument(const json& arguments, const char* name, std::int64_t otherwise) {
    const auto found = arguments.find(name);
    return found != arguments.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

json mcp_tool::listed() const {
    json hints = json::object();
    hints["readOnlyHint"] = does == effect::none;
    hints["destructiveHint"] = does == effect::unknown;
    hints["openWorldHint"] = does != effect::none;
    json tool = json::object();
    tool["name"] = name;
    tool["description"] = description;
    tool["inputSchema"] = input;
    tool["outputSchema"] = output;
    tool["annotations"] = std::move(hints);
    return tool;
}

json mcp_tool::call(const json& arguments, mcp_call& c) const try {
    if (const auto fault = schema::fault_of(arguments, input, "the arguments of " + name))
        return tool_failure({errc::usage, *fault, "tools/list says what it takes"});
    auto done = run(arguments, c);
    if (!done) return tool_failure(done.error());
    auto result = told(done->object.dump(-1, ' ', false, json::error_handler_t::replace));
    result["structuredContent"] = std::move(done->object);
    return result;
} catch (const std::exception&) {
    // A call that finds no memory is no reason to close everybody's tunnels.
    return tool_failure(errc::internal);
}

}  // namespace instatunnel::cli
