#include "tfm/formats/json_writer.hpp"

#include <limits>

#include "support/catch.hpp"
#include "tfm/formats/json.hpp"

using tfm::JsonLayout;
using tfm::JsonWriter;

TEST_CASE("written JSON stands in one line, in lines or without a space, one inside the other") {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("version", 1).member("name", "a \"b\"").key("none").null();
  json.key("flags").begin_array().value(true).value(false).end();
  json.key("inner").begin_object(JsonLayout::lines).key("list").begin_array(JsonLayout::lines).value("x").value("y").end().end();
  json.key("empty").begin_array(JsonLayout::lines).end();
  json.key("compact").begin_object(JsonLayout::compact).member("a", 1).key("b").begin_array(JsonLayout::compact).value(2).value(3).end().end();
  CHECK(json.end().text() == R"({
  "version": 1,
  "name": "a \"b\"",
  "none": null,
  "flags": [true, false],
  "inner": {
    "list": [
      "x",
      "y"
    ]
  },
  "empty": [],
  "compact": {"a":1,"b":[2,3]}
})");
  const tfm::JsonDocument read(json.text(), "written");
  CHECK(read.root().at("name").text() == "a \"b\"");
}

TEST_CASE("written numbers have the shortest digits that say which they are, and are finite") {
  JsonWriter json;
  json.begin_array().value(0.1).value(0.1f).value(-3).value(std::uint64_t{18446744073709551615u}).value(std::optional<int>()).value(std::optional(7));
  CHECK(json.end().text() == "[0.1, 0.1, -3, 18446744073709551615, null, 7]");
  CHECK_THROWS_WITH(JsonWriter().value(std::numeric_limits<double>::quiet_NaN()), "tfm: nan is no finite number and cannot be written as JSON");
  CHECK_THROWS_WITH(JsonWriter().value(-std::numeric_limits<float>::infinity()), "tfm: -inf is no finite number and cannot be written as JSON");
  CHECK_THROWS_WITH(JsonWriter().key("\xff"), "tfm: '\\xff' is not UTF-8 and cannot be written as JSON");
}

TEST_CASE("JSON is written in ASCII where that is asked for") {
  JsonWriter json(tfm::JsonCharacters::ascii);
  CHECK(json.begin_object().member("\xc3\xa9", "\xf0\x9f\x99\x82").end().text() == R"({"\u00e9": "\ud83d\ude42"})");
}
