#include "key_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "tfm/text/utf8.hpp"

namespace cli {

namespace {

constexpr int for_ever = -1, within_a_sequence = 50;  // milliseconds

KeyKind control_key(unsigned char byte) {
  switch (byte) {
    case 1: return KeyKind::home;         // A
    case 2: return KeyKind::left;         // B
    case 3: return KeyKind::interrupt;    // C
    case 4: return KeyKind::end_of_file;  // D
    case 5: return KeyKind::end;          // E
    case 6: return KeyKind::right;        // F
    case 8:
    case 127: return KeyKind::backspace;
    case 10:
    case 13: return KeyKind::enter;
    case 11: return KeyKind::erase_to_end;    // K
    case 12: return KeyKind::clear_screen;    // L
    case 14: return KeyKind::down;            // N
    case 16: return KeyKind::up;              // P
    case 21: return KeyKind::erase_to_begin;  // U
    case 23: return KeyKind::erase_word;      // W
    case 26: return KeyKind::suspend;         // Z
    default: return KeyKind::unknown;
  }
}

/// What a cursor key is, by the last letter of its sequence; with Ctrl or Alt it moves by words.
KeyKind cursor_key(char last, bool modified) {
  switch (last) {
    case 'A': return KeyKind::up;
    case 'B': return KeyKind::down;
    case 'C': return modified ? KeyKind::word_right : KeyKind::right;
    case 'D': return modified ? KeyKind::word_left : KeyKind::left;
    case 'H': return KeyKind::home;
    case 'F': return KeyKind::end;
    default: return KeyKind::unknown;
  }
}

}  // namespace

int KeyReader::byte(int milliseconds) {
  while (waiting_.empty()) {
    pollfd ready{input_, POLLIN, 0};
    const int found = poll(&ready, 1, milliseconds);
    if (found == 0) return -1;
    char block[4096];
    const ssize_t got = found < 0 ? -1 : read(input_, block, sizeof block);
    if (got > 0) {
      waiting_.assign(block, static_cast<std::size_t>(got));
      break;
    }
    (got < 0 && errno == EINTR ? interrupted_ : closed_) = true;
    return -1;
  }
  const auto first = static_cast<unsigned char>(waiting_.front());
  waiting_.erase(0, 1);
  return first;
}

Key KeyReader::next() {
  interrupted_ = false;
  const int first = byte(for_ever);
  if (first < 0) return {interrupted_ ? KeyKind::interrupted_read : KeyKind::closed};
  if (first == 27) return escape();
  if (first == '\t') return {KeyKind::text, "\t"};
  if (first < 32 || first == 127) return {control_key(static_cast<unsigned char>(first))};
  return character(static_cast<unsigned char>(first));
}

Key KeyReader::character(unsigned char first) {
  std::string text(1, static_cast<char>(first));
  while (tfm::utf8_character(text) < 0) {
    const int more = byte(within_a_sequence);
    if (more < 0) break;
    text += static_cast<char>(more);
  }
  return tfm::is_utf8(text) ? Key{KeyKind::text, text} : Key{KeyKind::unknown};
}

Key KeyReader::escape() {
  switch (byte(within_a_sequence)) {
    case '[': return control_sequence();
    case 'O': {
      const int last = byte(within_a_sequence);
      return {last < 0 ? KeyKind::unknown : cursor_key(static_cast<char>(last), false)};
    }
    case 'b': return {KeyKind::word_left};
    case 'f': return {KeyKind::word_right};
    case 127: return {KeyKind::erase_word};
    default: return {};
  }
}

/// CSI parameters letter (ECMA-48, 5.4).
Key KeyReader::control_sequence() {
  std::string parameters;
  int last = byte(within_a_sequence);
  for (; last >= 0x20 && last < 0x40; last = byte(within_a_sequence)) parameters += static_cast<char>(last);
  if (last != '~')
    return {last < 0 ? KeyKind::unknown : cursor_key(static_cast<char>(last), parameters.find(';') != parameters.npos)};
  if (parameters == "1" || parameters == "7") return {KeyKind::home};
  if (parameters == "3") return {KeyKind::erase};
  if (parameters == "4" || parameters == "8") return {KeyKind::end};
  if (parameters == "200") return pasted();
  return {};
}

/// Pasted text comes between CSI 200 ~ and CSI 201 ~; its line breaks are text.
Key KeyReader::pasted() {
  constexpr std::string_view end = "\x1b[201~";
  std::string text;
  while (!text.ends_with(end)) {
    const int more = byte(for_ever);
    if (more < 0) return {interrupted_ ? KeyKind::interrupted_read : KeyKind::closed};
    if (more == '\r') text += '\n';
    else if (more != '\n' || !text.ends_with('\n')) text += static_cast<char>(more);
  }
  text.resize(text.size() - end.size());
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  return {KeyKind::text, text};
}

}  // namespace cli
