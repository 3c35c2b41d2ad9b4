#include "tfm/text/encoding.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace {

using namespace std::string_literals;

/// ASCII in units of `width` bytes.
std::string widened(std::string_view text, std::size_t width, bool little) {
  std::string out;
  for (const char c : text) {
    std::string unit(width, '\0');
    unit[little ? 0 : width - 1] = c;
    out += unit;
  }
  return out;
}

TEST_CASE("UTF-8 is text as it is, without a byte order mark", "[encoding]") {
  for (const std::string& text : {""s, "a"s, "ab\n"s, "Caf\xc3\xa9\r\nna\xc3\xafve"s, "\xe4\xb8\xad\xe6\x96\x87"s, "one \0 in a text"s, "\xf0\x9f\x98\x80"s}) {
    CHECK(tfm::utf8_text(text, "f") == text);
    const std::string marked = "\xEF\xBB\xBF" + text;
    CHECK(tfm::utf8_text(marked, "f") == text);
  }
  CHECK(tfm::without_byte_order_mark("a\xEF\xBB\xBF") == "a\xEF\xBB\xBF");  // there it is a character
}

TEST_CASE("text in units of two or four bytes is known by its mark and without", "[encoding]") {
  const std::string text = "Go.\tVa !\nHi.\tSalut !\n";
  CHECK(tfm::wide_encoding("\xFF\xFE" + widened(text, 2, true)) == "UTF-16");
  CHECK(tfm::wide_encoding("\xFE\xFF" + widened(text, 2, false)) == "UTF-16");
  CHECK(tfm::wide_encoding("\xFF\xFE\0\0"s + widened(text, 4, true)) == "UTF-32");
  CHECK(tfm::wide_encoding("\0\0\xFE\xFF"s + widened(text, 4, false)) == "UTF-32");
  CHECK(tfm::wide_encoding(widened(text, 2, true)) == "UTF-16LE");
  CHECK(tfm::wide_encoding(widened(text, 2, false)) == "UTF-16BE");
  CHECK(tfm::wide_encoding(widened(text, 4, true)) == "UTF-32LE");
  CHECK(tfm::wide_encoding(widened(text, 4, false)) == "UTF-32BE");
  for (const std::string& other : {""s, "a"s, text, "\0"s, "\0\0\0\0"s, "a\0b"s, "a text with one \0 in it"s}) CHECK(tfm::wide_encoding(other).empty());
  CHECK(tfm_test::error_of<tfm::LoadError>([&] { tfm::utf8_text("\xFF\xFE" + widened(text, 2, true), "fra.txt"); }) ==
        "tfm: fra.txt: line 1: found text in UTF-16, expected UTF-8; iconv -f UTF-16 -t UTF-8 fra.txt > NEW_FILE makes it so");
}

TEST_CASE("single bytes that are wrong may stay in a text, other units may not", "[encoding]") {
  CHECK(tfm::narrow_text("\xEF\xBB\xBF" "caf\xc3", "f") == "caf\xc3");
  CHECK(tfm_test::error_of<tfm::LoadError>([] { tfm::narrow_text(widened("abc\n", 2, true), "f"); }).starts_with("tfm: f: line 1: found text in UTF-16LE,"));
}

TEST_CASE("what is not UTF-8 is told by its line, its byte and what it may be", "[encoding]") {
  const auto told = [](const std::string& text) { return tfm_test::error_of<tfm::LoadError>([&] { tfm::utf8_text(text, "f"); }); };
  CHECK(told("Go.\tVa !\n\nCaf\xe9.\tna\xefve\n") ==
        "tfm: f: line 3: found '\\xe9' at byte 4, which is not UTF-8; if the file is in ISO-8859-1, iconv -f ISO-8859-1 -t UTF-8 f > NEW_FILE makes it so");
  CHECK(told("it\x92s") ==
        "tfm: f: line 1: found '\\x92' at byte 3, which is not UTF-8; if the file is in WINDOWS-1252, iconv -f WINDOWS-1252 -t UTF-8 f > NEW_FILE makes it so");
  CHECK(told("caf\xc3\xa9 na\xc3\xafve\r\n\xff") == "tfm: f: line 2: found '\\xff' at byte 1, which is not UTF-8; iconv -c -f UTF-8 -t UTF-8 f > NEW_FILE leaves such bytes out");
  CHECK(told("a\rb\r\nc\n\xc3").starts_with("tfm: f: line 4: found '\\xc3' at byte 1,"));  // every kind of line end; a character that is cut off
}

}  // namespace
