#pragma once
// KeyReader: from the bytes that a terminal sends to the keys that were pressed.
#include <string>

namespace cli {

enum class KeyKind : unsigned char {
  text,
  enter,
  left,
  right,
  up,
  down,
  home,
  end,
  word_left,
  word_right,
  backspace,
  erase,
  erase_word,
  erase_to_begin,
  erase_to_end,
  clear_screen,
  interrupt,
  end_of_file,
  suspend,
  closed,
  interrupted_read,
  unknown
};

struct Key {
  KeyKind kind = KeyKind::unknown;
  std::string text{};  ///< of KeyKind::text: one character, or all that was pasted
};

class KeyReader {
  int input_;
  std::string waiting_;  // bytes that were read and belong to no key yet

  /// The next byte; negative: none within `milliseconds` (-1: for ever), or the end.
  int byte(int milliseconds);
  bool interrupted_ = false, closed_ = false;

  Key escape();
  Key control_sequence();
  Key pasted();
  Key character(unsigned char first);

 public:
  explicit KeyReader(int input) : input_(input) {}
  /// Waits for a key.
  Key next();
};

}  // namespace cli
