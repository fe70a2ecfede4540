#include <string>

#include "files/byte_ranges.hpp"
#include "files/request_path.hpp"
#include "instatunnel/base/form.hpp"
#include "invariant.hpp"

using namespace instatunnel::files;
using instatunnel::fuzz::exact_copy;
using instatunnel::fuzz::require;

namespace {

void check_segments(std::string_view file) {
    while (!file.empty()) {
        const auto segment = file.substr(0, file.find('/'));
        require(!segment.empty() && segment != "." && segment != "..", "a segment is a name");
        file.remove_prefix(segment.size());
        if (!file.empty())
            file.remove_prefix(1);
        else
            break;
        require(!file.empty(), "no slash at the end");
    }
}

void read_path(std::string_view target) {
    request_path path;
    if (decode_path(target, path) != path_verdict::good) return;
    require(path.file.find('\0') == std::string::npos, "a name holds no NUL");
    require(path.file.size() < target.size(), "decoding makes nothing longer");
    check_segments(path.file);
    // The same name written in full is the same file.
    std::string link = "/";
    std::string_view rest = path.file;
    while (!rest.empty()) {
        const auto slash = rest.find('/');
        link += instatunnel::percent_encode(rest.substr(0, slash));
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
        if (slash != std::string_view::npos) link += '/';
    }
    request_path again;
    require(decode_path(link, again) == path_verdict::good && again.file == path.file, "a link leads back");
    require(again.is_hidden == path.is_hidden && again.has_extension == path.has_extension,
            "the same name, the same kind");
}

void read_ranges(std::string_view field, std::uint64_t size) {
    std::vector<byte_range> ranges;
    const auto verdict = parse_ranges(field, size, ranges);
    require((verdict == range_verdict::partial) == !ranges.empty(), "ranges are there when they are to be used");
    require(ranges.size() <= max_ranges, "ranges are bounded");
    std::uint64_t sum = 0;
    for (const auto& r : ranges) {
        require(r.length != 0 && r.first < size && r.length <= size - r.first, "a range lies in the file");
        sum += r.length;
        for (const auto& other : ranges)
            require(&r == &other || r.first + r.length < other.first || other.first + other.length < r.first,
                    "ranges do not touch");
    }
    require(sum <= size, "no byte is sent twice");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const exact_copy input({reinterpret_cast<const char*>(data), size});
    read_path(input.view());
    for (const std::uint64_t file_size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, ~std::uint64_t{0} >> 1})
        read_ranges(input.view(), file_size);
    return 0;
}
