#pragma once

#include <string>
#include <vector>

namespace instatunnel::cli {

/// A table for people: columns as wide as their widest cell, two blanks between them.
class text_table {
public:
    explicit text_table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }

    /// As many cells as the head has. Control characters are taken out.
    void add(std::vector<std::string> cells);
    /// The head, then the rows; no blanks at the end of a line.
    std::vector<std::string> lines() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace instatunnel::cli
