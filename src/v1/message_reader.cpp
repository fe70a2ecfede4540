#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>

#include "base64_decoder.hpp"
#include "instatunnel/v1/message.hpp"

namespace instatunnel::v1 {

namespace json = boost::json;

namespace {

constexpr std::size_t max_key = 256;
constexpr std::size_t max_word = 32;
constexpr std::size_t max_depth = 32;

message_kind kind_of(std::string_view type) {
    if (type == "request") return message_kind::request;
    if (type == "response") return message_kind::response;
    if (type == "ping") return message_kind::ping;
    if (type == "pong") return message_kind::pong;
    if (type == "connected") return message_kind::connected;
    return message_kind::other;
}

}  // namespace

/// What the parser calls. Follows where in the document it is: 1 the message, 2 its data, 3 the headers.
class message_handler {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    using error = json::error_code;

    bool on_document_begin(error&) { return true; }
    bool on_document_end(error&) { return true; }
    bool on_object_begin(error&) {
        enter(next_place());
        return true;
    }
    bool on_object_end(std::size_t, error&) { return leave(); }
    bool on_array_begin(error&) {
        enter(place::unknown);
        return true;
    }
    bool on_array_end(std::size_t, error&) { return leave(); }

    bool on_key_part(std::string_view part, std::size_t, error&) {
        if (key_.size() + part.size() <= max_key)
            key_.append(part);
        else
            key_too_long_ = true;
        return true;
    }
    bool on_key(std::string_view part, std::size_t size, error& e) {
        on_key_part(part, size, e);
        member_ = key_too_long_ ? member::none : name_member();
        if (here() == place::headers && key_too_long_) wrong("a header's name is too long");
        if (here() == place::headers && !key_too_long_) begin_field();
        if (member_ == member::body) {
            result_.body.clear();
            result_.body_too_large = false;
            decoder_ = {};
        }
        if (member_ != member::none && member_ != member::body) text_.clear();
        key_.clear();
        key_too_long_ = false;
        return true;
    }

    bool on_string_part(std::string_view part, std::size_t, error&) {
        take_text(part);
        return true;
    }
    bool on_string(std::string_view part, std::size_t, error&) {
        take_text(part);
        end_text();
        member_ = member::none;
        return true;
    }
    bool on_number_part(std::string_view, error&) { return true; }
    bool on_int64(std::int64_t n, std::string_view, error&) { return take_number(n); }
    bool on_uint64(std::uint64_t, std::string_view, error&) { return take_number(-1); }
    bool on_double(double, std::string_view, error&) { return take_number(-1); }
    bool on_bool(bool, error&) { return take_other(); }
    bool on_null(error&) {
        // An empty body may be written so.
        if (member_ == member::body || member_ == member::headers || member_ == member::data) member_ = member::none;
        return take_other();
    }
    bool on_comment_part(std::string_view, error&) { return true; }
    bool on_comment(std::string_view, error&) { return true; }

    void start(std::size_t max_body) {
        *this = message_handler();
        max_body_ = max_body;
    }

    message& result() noexcept { return result_; }
    bool was_object() const noexcept { return was_object_; }
    std::string_view problem() const noexcept {
        if (!problem_.empty()) return problem_;
        if (result_.id.empty()) return "there is no id";
        if (result_.kind == message_kind::request && (result_.method.empty() || result_.url.empty()))
            return "there is no method or url";
        if (result_.kind == message_kind::response && (result_.status < 200 || result_.status > 599))
            return "status_code is not a status";
        if (!result_.body_too_large && !decoder_.is_complete()) return "the body is not base64";
        return {};
    }

private:
    enum class place : std::uint8_t { outside, message, data, headers, unknown };
    enum class member : std::uint8_t { none, type, data, id, method, url, status, headers, body, field };

    place here() const noexcept { return depth_ == 0 ? place::outside : places_[depth_ - 1]; }

    place next_place() const noexcept {
        if (depth_ == 0) return place::message;
        if (here() == place::message && member_ == member::data) return place::data;
        if (here() == place::data && member_ == member::headers) return place::headers;
        return place::unknown;
    }

    void enter(place next) {
        if (next == place::unknown && member_ != member::none) wrong("a member has another type");
        if (depth_ == 0) was_object_ = next == place::message;
        places_[depth_++] = next;
        member_ = member::none;
    }

    bool leave() {
        --depth_;
        member_ = member::none;
        return true;
    }

    member name_member() const {
        if (here() == place::headers) return member::field;
        if (here() == place::message) {
            if (key_ == "type") return member::type;
            if (key_ == "data") return member::data;
        }
        if (here() != place::data) return member::none;
        if (key_ == "id") return member::id;
        if (key_ == "method") return member::method;
        if (key_ == "url") return member::url;
        if (key_ == "status_code") return member::status;
        if (key_ == "headers") return member::headers;
        if (key_ == "body") return member::body;
        return member::none;
    }

    void begin_field() {
        fields_size_ += key_.size();
        if (fields_size_ > message_reader::max_fields_size || result_.fields.size() >= message_reader::max_fields)
            wrong("the headers are too large");
        if (problem_.empty()) result_.fields.emplace_back(key_, std::string());
    }

    void take_text(std::string_view part) {
        switch (member_) {
            case member::none:
                return;
            case member::body:
                return take_body(part);
            case member::field:
                fields_size_ += part.size();
                if (fields_size_ > message_reader::max_fields_size) wrong("the headers are too large");
                if (problem_.empty() && !result_.fields.empty()) result_.fields.back().second.append(part);
                return;
            default:
                if (text_.size() + part.size() > limit_of(member_))
                    wrong("a member is too long");
                else
                    text_.append(part);
        }
    }

    static std::size_t limit_of(member m) noexcept {
        if (m == member::url) return message_reader::max_url;
        return m == member::id ? message_reader::max_id : max_word;
    }

    void take_body(std::string_view part) {
        if (result_.body_too_large) return;
        const auto verdict = decoder_.decode(part, result_.body, max_body_);
        if (verdict == base64_decoder::verdict::malformed) return wrong("the body is not base64");
        if (verdict == base64_decoder::verdict::good) return;
        result_.body_too_large = true;
        std::string().swap(result_.body);
    }

    void end_text() {
        if (member_ == member::type) result_.kind = kind_of(text_);
        if (member_ == member::id) result_.id = text_;
        if (member_ == member::method) result_.method = text_;
        if (member_ == member::url) result_.url = text_;
        if (member_ == member::status || member_ == member::headers || member_ == member::data)
            wrong("a member has another type");
    }

    bool take_number(std::int64_t n) {
        if (member_ == member::status)
            result_.status = n >= 0 && n <= 999 ? static_cast<int>(n) : 0;
        else if (member_ != member::none)
            wrong("a member has another type");
        member_ = member::none;
        return true;
    }

    bool take_other() {
        if (member_ != member::none) wrong("a member has another type");
        member_ = member::none;
        return true;
    }

    void wrong(std::string_view what) {
        if (problem_.empty()) problem_ = what;
    }

    message result_;
    base64_decoder decoder_;
    std::size_t max_body_ = 0;
    std::array<place, max_depth + 1> places_{};
    std::size_t depth_ = 0;
    member member_ = member::none;
    bool was_object_ = false;
    bool key_too_long_ = false;
    std::string key_;
    std::string text_;
    std::size_t fields_size_ = 0;
    std::string_view problem_;
};

class message_reader::impl {
public:
    impl() : parser_(options()) {}

    void start(std::size_t max_body) {
        parser_.reset();
        parser_.handler().start(max_body);
        begun_ = failed_ = false;
    }
    bool read(std::string_view part) {
        if (failed_) return false;
        begun_ = true;
        json::error_code e;
        const auto used = parser_.write_some(/*more=*/true, part.data(), part.size(), e);
        // What stands behind the document can only be blanks.
        const auto rest = part.substr(std::min(used, part.size()));
        failed_ = e.failed() || rest.find_first_not_of(" \t\r\n") != std::string_view::npos;
        return !failed_;
    }
    bool finish() {
        if (failed_ || !begun_) return false;
        json::error_code e;
        if (!parser_.done()) parser_.write_some(/*more=*/false, "", 0, e);
        return !e.failed() && parser_.done() && parser_.handler().was_object();
    }
    message_handler& seen() noexcept { return parser_.handler(); }
    const message_handler& seen() const noexcept { return parser_.handler(); }

private:
    static json::parse_options options() {
        json::parse_options o;
        o.max_depth = max_depth;
        return o;
    }

    json::basic_parser<message_handler> parser_;
    bool begun_ = false;
    bool failed_ = false;
};

message_reader::message_reader() : impl_(std::make_unique<impl>()) {}
message_reader::~message_reader() = default;

void message_reader::start(std::size_t max_body) {
    impl_->start(max_body);
}
bool message_reader::read(std::string_view part) {
    return impl_->read(part);
}
bool message_reader::finish() {
    return impl_->finish();
}
std::string_view message_reader::problem() const noexcept {
    return impl_->seen().problem();
}
message& message_reader::result() noexcept {
    return impl_->seen().result();
}

}  // namespace instatunnel::v1
