#pragma once
// Escapes: "\n" and the like in a text that was typed on a command line, as llama.cpp takes them.
#include <cctype>
#include <string>
#include <string_view>

namespace cli {

/// \n, \t, \r, \", \', \\ and \xHH, a byte, become what they stand for; other backslashes stay as they are.
inline std::string unescaped(std::string_view text) {
  constexpr std::string_view letters = "ntr\"'\\", values = "\n\t\r\"'\\";
  const auto digit = [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) ? c - '0' : std::tolower(static_cast<unsigned char>(c)) - 'a' + 10;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    const auto is_digit = [&](std::size_t at) { return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0; };
    if (const auto known = letters.find(next); next != '\0' && known != letters.npos) {
      out += values[known];
      ++i;
    } else if (next == 'x' && is_digit(i + 2) && is_digit(i + 3)) {
      out += static_cast<char>(digit(text[i + 2]) * 16 + digit(text[i + 3]));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace cli
