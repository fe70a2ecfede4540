#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "instatunnel/mcp/event_stream.hpp"
#include "instatunnel/mcp/exchange_filter.hpp"
#include "instatunnel/mcp/json_text.hpp"
#include "instatunnel/mcp/message.hpp"
#include "instatunnel/mcp/tool_watch.hpp"
#include "invariant.hpp"

using namespace instatunnel::mcp;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::require;

namespace {

const tool_rules only_ok{{"ok"}, {}};

// Another reader, which keeps the last of equal keys.
bool calls_other_tool(const nlohmann::json& message) {
    if (!message.is_object() || !message.contains("method") || message["method"] != "tools/call") return false;
    if (!message.contains("params") || !message["params"].is_object()) return false;
    const auto& params = message["params"];
    return params.contains("name") && params["name"].is_string() && params["name"] != "ok";
}

bool has_other_tool(const nlohmann::json& reply) {
    if (!reply.is_object() || !reply.contains("result") || !reply["result"].is_object()) return false;
    const auto& result = reply["result"];
    if (!result.contains("tools") || !result["tools"].is_array()) return false;
    for (const auto& tool : result["tools"])
        if (!tool.is_object() || !tool.contains("name") || tool["name"] != "ok") return true;
    return false;
}

template <class Test>
bool any_of(const nlohmann::json& json, Test test) {
    if (!json.is_array()) return test(json);
    for (const auto& one : json)
        if (test(one)) return true;
    return false;
}

void judge(std::string_view text) {
    filter_state shared;
    shared.rules = only_ok;
    exchange_filter filter(shared);
    auto verdict = filter.start({{"Content-Type", "application/json"}}, false, false);
    for (std::size_t at = 0; at < text.size() && verdict == exchange_filter::request_verdict::hold; at += 7)
        verdict = filter.on_request_data(text.substr(at, 7));
    if (verdict == exchange_filter::request_verdict::hold) verdict = filter.on_request_end();
    if (verdict == exchange_filter::request_verdict::refuse) return;
    require(filter.held_request() == text, "what passes is what was sent");
    const auto other = nlohmann::json::parse(text, nullptr, false);
    require(other.is_discarded() || !any_of(other, calls_other_tool), "no call of another tool passes");
}

void filter_list(std::string_view text) {
    const auto filtered = filter_tools(text, only_ok, nullptr);
    if (!filtered.changed) require(filtered.text == text, "what has no list stays");
    const auto other = nlohmann::json::parse(filtered.text, nullptr, false);
    require(!is_json(text) || is_json(filtered.text), "what was JSON is JSON");
    require(!is_json(filtered.text) || other.is_discarded() || !any_of(other, has_other_tool), "no other tool is seen");
}

void split(std::string_view text) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, text.size() + 1}) {
        event_splitter s(1 << 16);
        std::string all;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            auto input = text.substr(at, piece);
            for (;;) {
                const auto step = s.next(input);
                if (step.what == event_splitter::piece::need_more) break;
                if (step.what == event_splitter::piece::too_long) return;
                all.append(step.text);
                if (step.what == event_splitter::piece::event) {
                    const auto data = read_event(step.text).data;
                    require(!read_event(step.text).has_data || read_event(replace_data(step.text, data)).data == data,
                            "data that is replaced by itself is the same");
                }
            }
        }
        // A comment inside of an event goes before it: it waits for nothing.
        all += s.take_rest();
        std::string sent(text);
        std::ranges::sort(all);
        std::ranges::sort(sent);
        require(all == sent, "no byte is lost");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    const auto text = input.view();
    // Numbers that no double holds are an error to the other reader, and so is deep nesting to ours.
    if (is_json(text)) {
        const auto top = whole(text);
        for_each_member(text, top, [&](text_span key, text_span value) {
            require(is_json(value.of(text)) && is_json(key.of(text)), "members are JSON");
            return true;
        });
        require(nlohmann::json::accept(text) || text.find_first_of("0123456789") != std::string_view::npos,
                "what is JSON to us is to others");
    }
    judge(text);
    filter_list(text);
    split(text);
    return 0;
}
