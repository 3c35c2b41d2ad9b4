#pragma once
// GPT-2's byte alphabet: a printable character for each of the 256 bytes, in which byte-level BPE spells its pieces.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
/// Printable Latin-1 characters stand for themselves; the other 68 bytes, in order, are U+0100 and up.
constexpr std::array<char16_t, 256> make_byte_alphabet() noexcept {
  std::array<char16_t, 256> alphabet{};
  char16_t next = 0x100;
  for (char16_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    alphabet[byte] = printable ? byte : next++;
  }
  return alphabet;
}
/// The byte of each character, or -1.
constexpr std::array<std::int16_t, 0x144> make_byte_of() noexcept {
  std::array<std::int16_t, 0x144> bytes{};
  for (auto& byte : bytes) byte = -1;
  const auto alphabet = make_byte_alphabet();
  for (std::int16_t byte = 0; byte < 256; ++byte) bytes[alphabet[static_cast<unsigned char>(byte)]] = byte;
  return bytes;
}
}  // namespace detail

inline constexpr std::array<char16_t, 256> byte_alphabet = detail::make_byte_alphabet();

/// Appends to bytes what the piece spells. False, and bytes are as before, if it is not spelt in the alphabet.
inline bool append_spelt_bytes(std::string& bytes, std::string_view piece) {
  constexpr auto byte_of = detail::make_byte_of();
  const std::size_t before = bytes.size();
  for (std::size_t at = 0; at < piece.size();) {
    char32_t code = 0xFFFF;
    if (utf8_character(piece.substr(at)) > 0) code = next_code_point(piece, at);
    if (code >= byte_of.size() || byte_of[code] < 0) {
      bytes.resize(before);
      return false;
    }
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte_of[code])));
  }
  return true;
}

}  // namespace tfm::inline TFM_ABI
