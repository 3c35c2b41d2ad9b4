// The line editor's buffer: characters of every width, and how a line lies on the screen.
#include "tfm/line_buffer.hpp"

#include "support/catch.hpp"

using cli::LineBuffer;

TEST_CASE("the cursor moves and erases by whole characters", "[line_buffer]") {
  LineBuffer line;
  line.insert("a\u4e16e\u0301!");  // one column, two, one with a mark that takes none, one
  line.left();
  line.left();
  CHECK(line.cursor() == 4);
  line.erase_after();
  CHECK(line.text() == "a\u4e16!");
  line.erase_before();
  CHECK(line.text() == "a!");
  line.left();
  line.left();
  line.left();
  CHECK(line.cursor() == 0);
  line.erase_before();
  CHECK(line.text() == "a!");
  line.end();
  line.right();
  line.erase_after();
  CHECK(line.text() == "a!");
}

TEST_CASE("bytes that are no characters never get into the line", "[line_buffer]") {
  LineBuffer line;
  line.insert("a\xff\xc3");
  CHECK(line.text() == "a\uFFFD\uFFFD");
}

TEST_CASE("words", "[line_buffer]") {
  LineBuffer line;
  line.set("one  two three ");
  line.erase_word_before();
  CHECK(line.text() == "one  two ");
  line.word_left();
  CHECK(line.cursor() == 5);
  line.word_left();
  line.word_right();
  CHECK(line.cursor() == 3);
}

TEST_CASE("a line on a narrow screen", "[line_buffer]") {
  LineBuffer line;
  line.set("abcdef");
  auto drawing = line.draw("> ", 8);
  CHECK(drawing.rows == std::vector<std::string>{"> abcdef", ""});  // the cursor has no room behind the f
  CHECK((drawing.cursor_row == 1 && drawing.cursor_column == 0));

  line.set("abcde\u4e16x");  // the wide one has one column left, and goes to the next row
  drawing = line.draw("> ", 8);
  CHECK(drawing.rows == std::vector<std::string>{"> abcde", "\u4e16x"});
  CHECK((drawing.cursor_row == 1 && drawing.cursor_column == 3));
  line.left();
  line.left();
  drawing = line.draw("> ", 8);
  CHECK((drawing.cursor_row == 1 && drawing.cursor_column == 0));

  line.set("ab\nc\td");
  drawing = line.draw("> ", 8);
  CHECK(drawing.rows == std::vector<std::string>{"> ab", "c    d"});
}
