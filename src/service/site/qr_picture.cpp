#include "qr_picture.hpp"

#include <qrencode.h>

#include <memory>

#include "markup.hpp"

namespace instatunnel::service {

std::string qr_picture(std::string_view text, std::string_view label) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString8bit(std::string(text).c_str(), 0, QR_ECLEVEL_M), &QRcode_free);
    if (!code) return {};
    const int width = code->width;
    std::string path;
    for (int y = 0; y < width; ++y) {
        for (int x = 0; x < width; ++x) {
            const bool dark = (code->data[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                                          static_cast<std::size_t>(x)] &
                               1) != 0;
            if (dark) path += "M" + std::to_string(x) + " " + std::to_string(y) + "h1v1h-1z";
        }
    }
    const auto size = std::to_string(width);
    markup m;
    m.raw("<svg class=\"qr\" role=\"img\" viewBox=\"0 0 ").raw(size).raw(" ").raw(size).raw("\" aria-label=\"");
    m.text(label).raw("\"><path d=\"").raw(path).raw("\" fill=\"#000\"/></svg>");
    return m.html();
}

}  // namespace instatunnel::service
