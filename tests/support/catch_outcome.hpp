#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "instatunnel/base/error.hpp"

/// Lets `CHECK(some_outcome)` compile, whatever the value is, and say why it failed.
template <class T>
struct Catch::StringMaker<boost::system::result<T, instatunnel::failure>> {
    static std::string convert(const boost::system::result<T, instatunnel::failure>& r) {
        return r ? "a value" : std::string(code_name(r.error().code)) + ": " + std::string(r.error().what());
    }
};
