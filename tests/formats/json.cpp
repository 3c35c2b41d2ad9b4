#include "tfm/formats/json.hpp"

#include <fstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/json_text.hpp"

using Catch::Matchers::Contains;

namespace {
tfm::JsonDocument parse(std::string_view text, tfm::JsonLimits limits = {}) { return {text, "x.json", limits}; }
}  // namespace

TEST_CASE("a JSON document is read in its order, with every kind of value") {
  const auto document = parse(R"({"z": [1, -2, 3.5, 1e3], "a": {"t": true, "f": false, "n": null},
                                 "text": "a\u00e9\n\u0000b", "big": 18446744073709551615})");
  const tfm::Json root = document.root();
  std::string order;
  for (const tfm::Json member : root.members()) order.append(member.key()).append(" ");
  CHECK(order == "z a text big ");
  CHECK(root.size() == 4);
  const tfm::Json z = root.at("z");
  CHECK(z.size() == 4);
  std::vector<double> numbers;
  for (const tfm::Json number : z.elements()) numbers.push_back(number.number());
  CHECK(numbers == std::vector<double>{1, -2, 3.5, 1000});
  CHECK((*z.elements().begin()).integer() == 1);
  CHECK(root.at("a").at("t").boolean());
  CHECK(!root.at("a").at("f").boolean());
  CHECK(root.at("a").find("n")->is(tfm::JsonKind::null));
  CHECK(!root.at("a").find_value("n"));
  CHECK(!root.find("absent"));
  CHECK(root.at("text").text() == std::string_view("a\xc3\xa9\n\0b", 6));
  CHECK(root.at("big").number() == 18446744073709551615.0);
}

TEST_CASE("a getter that does not fit names file, place, found and expected") {
  const auto document =
      parse(R"({"a": {"b": [1, "x", {"c": 2.5}]}, "n": -3, "huge": 1e300, "u": 9223372036854775808})");
  const tfm::Json root = document.root();
  auto item = root.at("a").at("b").elements().begin();
  CHECK_THROWS_WITH((*item).text(), "tfm: x.json: 'a.b[0]': found the integer 1, expected a string");
  ++item;
  CHECK_THROWS_WITH((*item).number(), "tfm: x.json: 'a.b[1]': found the string 'x', expected a number");
  ++item;
  CHECK_THROWS_WITH((*item).at("c").integer(), "tfm: x.json: 'a.b[2].c': found the number 2.5, expected an integer");
  CHECK_THROWS_WITH((*item).at("d"), "tfm: x.json: 'a.b[2]': 'd' is missing");
  CHECK_THROWS_WITH(root.at("d"), "tfm: x.json: the JSON's root: 'd' is missing");
  CHECK_THROWS_WITH(root.elements(), "tfm: x.json: the JSON's root: found an object, expected an array");
  CHECK_THROWS_WITH(root.at("a").at("b").members(), "tfm: x.json: 'a.b': found an array, expected an object");
  CHECK_THROWS_WITH(root.at("n").size(), "tfm: x.json: 'n': found the integer -3, expected an array");
  CHECK_THROWS_WITH(root.at("n").integer(0), "tfm: x.json: 'n': found -3, expected at least 0");
  CHECK_THROWS_WITH(root.at("n").integer(-9, -4), "tfm: x.json: 'n': found -3, expected at most -4");
  CHECK_THROWS_WITH(root.at("huge").integer(), "tfm: x.json: 'huge': found the number 1e+300, expected an integer");
  CHECK_THROWS_WITH(root.at("u").integer(),
                    "tfm: x.json: 'u': found the number 9223372036854775808, expected an integer");
  CHECK_THROWS_WITH(root.at("n").boolean(), "tfm: x.json: 'n': found the integer -3, expected a boolean");
}

TEST_CASE("what is no JSON is refused with its place") {
  const auto refused = [](std::string_view text, const std::string& what) {
    CHECK_THROWS_WITH(parse(text), Contains("tfm: x.json: ") && Contains(what));
  };
  refused("", "not valid JSON at byte 1");
  refused("{\"a\": 1,}", "not valid JSON at byte 9");
  refused("{} {}", "not valid JSON at byte 4");
  refused("[1, 2", "unexpected end of input");
  refused("[NaN]", "not valid JSON at byte 2");
  refused("[1e999]", "number overflow");
  refused("\"\xff\"", "not valid JSON at byte 2");
  refused("// no\n{}", "not valid JSON at byte 1");
  refused(std::string_view("{}\0junk", 7), "not valid JSON at byte 2: a zero byte");
  refused(R"({"a": 1, "b": 2, "a": 3})", "the JSON has the key 'a' twice in one object");
  refused(R"({"x": [{"": 1, "": 3}]})", "the JSON has the key '' twice in one object");
  refused(R"({"a": 1, "\u0061": 2})", "twice");
  CHECK_NOTHROW(parse(R"({"a": {"a": {"a": 1}}, "b": {"a": 2}})"));
  const std::string long_token(1 << 20, 'q');
  try {
    parse(long_token);
    FAIL("read");
  } catch (const tfm::LoadError& e) {
    CHECK(std::string_view(e.what()).size() < 400);
  }
}

TEST_CASE("what Python writes for numbers that JSON lacks is read where that is asked for, and is no number") {
  constexpr std::string_view text = R"({"a": NaN, "b": [Infinity,-Infinity, 1], "say \"NaN\"": "[NaN, Infinity]", "n": null})";
  CHECK_THROWS_WITH(parse(text), Contains("not valid JSON at byte 7"));
  const auto document = parse(text, tfm::python_json);
  const tfm::Json root = document.root();
  CHECK(root.at("a").is_none());
  CHECK(root.at("n").is_none());
  CHECK(root.at("say \"NaN\"").text() == "[NaN, Infinity]");
  std::string found;
  for (const tfm::Json item : root.at("b").elements()) found += item.found() + (item.is_none() ? " none, " : ", ");
  CHECK(found == "Infinity none, -Infinity none, the integer 1, ");
  CHECK_THROWS_WITH(root.at("a").number(), "tfm: x.json: 'a': found NaN, expected a finite number");
  CHECK_THROWS_WITH(root.at("a").whole(), "tfm: x.json: 'a': found NaN, expected an integer");
  CHECK_THROWS_WITH((*root.at("b").elements().begin()).number(), "tfm: x.json: 'b[0]': found Infinity, expected a finite number");
  const auto alone = parse("-Infinity", tfm::python_json);
  CHECK(alone.root().is_none());
  // What is none of the three words is as wrong as it was, and stands where it stood.
  for (const auto& [wrong, place] : {std::pair{"[NaN, nan]", "byte 8"}, {"[NaN, NaN, x]", "byte 12"}, {"[+Infinity]", "byte 2"}, {"[NaNs]", "byte 2"},
                                     {"[-NaN]", "byte 3"}, {"[Infinity, 1,]", "byte 14"}, {"{NaN: 1}", "byte 4"}})
    CHECK_THROWS_WITH(parse(wrong, tfm::python_json), Contains(std::string("not valid JSON at ") + place + ":"));
}

TEST_CASE("a whole number may be written as a floating one where that is asked for") {
  const auto document = parse("[512.0, 5.12e2, 512, -3.0, 512.5, 1e300, 9007199254740993.0, \"512\", true]");
  std::vector<tfm::Json> items;
  for (const tfm::Json item : document.root().elements()) items.push_back(item);
  for (const std::size_t i : {0u, 1u, 2u}) CHECK(items[i].whole(1, 512) == 512);
  CHECK(items[3].whole() == -3);
  CHECK_THROWS_WITH(items[0].integer(), "tfm: x.json: '[0]': found the number 512, expected an integer");
  CHECK_THROWS_WITH(items[0].whole(513), "tfm: x.json: '[0]': found 512, expected at least 513");
  CHECK_THROWS_WITH(items[0].whole(0, 511), "tfm: x.json: '[0]': found 512, expected at most 511");
  CHECK_THROWS_WITH(items[4].whole(), "tfm: x.json: '[4]': found the number 512.5, expected an integer");
  CHECK_THROWS_WITH(items[5].whole(), "tfm: x.json: '[5]': found the number 1e+300, expected an integer");
  CHECK_THROWS_WITH(items[7].whole(), "tfm: x.json: '[7]': found the string '512', expected an integer");
  CHECK_THROWS_WITH(items[8].whole(), "tfm: x.json: '[8]': found true, expected an integer");
}

TEST_CASE("limits hold for depth and for the number of values") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK_NOTHROW(parse(nested(256)));
  CHECK_THROWS_WITH(parse(nested(257)), "tfm: x.json: the JSON is nested deeper than 256 arrays and objects");
  CHECK_NOTHROW(parse(nested(1'000'000), {.depth = 1'000'000}));  // and is destroyed again
  CHECK_NOTHROW(parse("[1,2,3]", {.values = 4}));
  CHECK_THROWS_WITH(parse("[1,2,3]", {.values = 3}), "tfm: x.json: the JSON holds more than 3 values");
  const std::string long_string = R"(["\"12\\", 1234567])";
  CHECK_NOTHROW(parse(long_string, {.token = 8}));
  for (const char* text : {R"(["\"12\\", 1234567])", R"([123456, "[,]   "])", R"({"1234567": 1})"})
    CHECK_THROWS_WITH(parse(text, {.token = 6}), "tfm: x.json: the JSON holds a string or number of more than 6 bytes");
}

TEST_CASE("a written string is read back, whatever it holds") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xc3\xa9 \xe2\x96\x81 \xf0\x9f\x99\x82";
  CHECK(parse("[" + tfm::json_string(all) + "]").root().elements().begin().operator*().text() == all);
  CHECK_THROWS_WITH(tfm::json_string("\xff"), "tfm: '\\xff' is not UTF-8 and cannot be written as JSON");
}

TEST_CASE("UTF-8 is what Unicode says it is") {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(tfm::detail::fit_for_json(good));
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff"})
    CHECK(!tfm::detail::fit_for_json(bad));
}

TEST_CASE("real configurations and tokenizers are read") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data");
  if (!folder) return;
  int read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path());
    CHECK_NOTHROW(tfm::read_json(entry.path()));
    ++read;
  }
  CHECK(read > 10);
}
