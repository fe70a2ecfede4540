#include "instatunnel/base/form.hpp"

#include <catch2/catch.hpp>

using instatunnel::form;
using instatunnel::percent_encode;

TEST_CASE("a form is read as browsers write it") {
    const auto f = form::parse("a=1&b=x%20y+z&c=&d&a=2&%C3%A9=%26%3D");
    REQUIRE(f);
    CHECK(f->value("a") == "1");
    CHECK(f->count("a") == 2);
    CHECK(f->all("a") == std::vector<std::string_view>{"1", "2"});
    CHECK(f->value("b") == "x y z");
    CHECK(f->find("c") == "");
    CHECK(f->find("d") == "");
    CHECK(f->value("\xc3\xa9") == "&=");
    CHECK_FALSE(f->find("e"));
    CHECK(f->value("e").empty());
    CHECK(form::parse("")->text().empty());
    CHECK(form::parse("&&")->text().empty());
}

TEST_CASE("a form that is not one is refused") {
    CHECK_FALSE(form::parse("a=%"));
    CHECK_FALSE(form::parse("a=%4"));
    CHECK_FALSE(form::parse("a=%zz"));
    CHECK_FALSE(form::parse("%g0=1"));
    std::string many;
    for (int i = 0; i < 65; ++i)
        many += "a=1&";
    CHECK_FALSE(form::parse(many));
    CHECK(form::parse(many, 65));
}

TEST_CASE("what is written reads back") {
    form f;
    f.add("redirect_uri", "https://a.example/cb?x=1&y=2").add("s p", "ü+%\r\n");
    CHECK(f.text() == "redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1%26y%3D2&s%20p=%C3%BC%2B%25%0D%0A");
    const auto back = form::parse(f.text());
    REQUIRE(back);
    CHECK(back->text() == f.text());
    CHECK(f.clone().text() == f.text());
    CHECK_FALSE(f.has_repeated_name());
    CHECK(f.clone().add("s p", "").has_repeated_name());
    CHECK(percent_encode("a-b.c_d~e") == "a-b.c_d~e");
}
