#pragma once
// Upper, lower and title case of whole texts (Unicode 15: SpecialCasing.txt, where one character becomes several), and
// what characters are.
#include <algorithm>
#include <array>
#include <string_view>

#include <utf8proc.h>

#include "tfm/text/jinja/machine.inl"
#include "tfm/text/unicode.hpp"

namespace tfm::inline TFM_ABI::jinja {

enum class Case : unsigned char { upper, title, lower, folded };

struct SpecialCase {
  char32_t from;
  std::array<char16_t, 3> upper, title;
};
/// Beside these U+1F80 to U+1FAF, which follow a rule, and U+0130.
inline constexpr std::array<SpecialCase, 54> special_cases{{
    {0xDF, {{0x53, 0x53}}, {{0x53, 0x73}}},
    {0x149, {{0x2BC, 0x4E}}, {{0x2BC, 0x4E}}},
    {0x1F0, {{0x4A, 0x30C}}, {{0x4A, 0x30C}}},
    {0x390, {{0x399, 0x308, 0x301}}, {{0x399, 0x308, 0x301}}},
    {0x3B0, {{0x3A5, 0x308, 0x301}}, {{0x3A5, 0x308, 0x301}}},
    {0x587, {{0x535, 0x552}}, {{0x535, 0x582}}},
    {0x1E96, {{0x48, 0x331}}, {{0x48, 0x331}}},
    {0x1E97, {{0x54, 0x308}}, {{0x54, 0x308}}},
    {0x1E98, {{0x57, 0x30A}}, {{0x57, 0x30A}}},
    {0x1E99, {{0x59, 0x30A}}, {{0x59, 0x30A}}},
    {0x1E9A, {{0x41, 0x2BE}}, {{0x41, 0x2BE}}},
    {0x1F50, {{0x3A5, 0x313}}, {{0x3A5, 0x313}}},
    {0x1F52, {{0x3A5, 0x313, 0x300}}, {{0x3A5, 0x313, 0x300}}},
    {0x1F54, {{0x3A5, 0x313, 0x301}}, {{0x3A5, 0x313, 0x301}}},
    {0x1F56, {{0x3A5, 0x313, 0x342}}, {{0x3A5, 0x313, 0x342}}},
    {0x1FB2, {{0x1FBA, 0x399}}, {{0x1FBA, 0x345}}},
    {0x1FB3, {{0x391, 0x399}}, {{0x1FBC}}},
    {0x1FB4, {{0x386, 0x399}}, {{0x386, 0x345}}},
    {0x1FB6, {{0x391, 0x342}}, {{0x391, 0x342}}},
    {0x1FB7, {{0x391, 0x342, 0x399}}, {{0x391, 0x342, 0x345}}},
    {0x1FBC, {{0x391, 0x399}}, {{0x1FBC}}},
    {0x1FC2, {{0x1FCA, 0x399}}, {{0x1FCA, 0x345}}},
    {0x1FC3, {{0x397, 0x399}}, {{0x1FCC}}},
    {0x1FC4, {{0x389, 0x399}}, {{0x389, 0x345}}},
    {0x1FC6, {{0x397, 0x342}}, {{0x397, 0x342}}},
    {0x1FC7, {{0x397, 0x342, 0x399}}, {{0x397, 0x342, 0x345}}},
    {0x1FCC, {{0x397, 0x399}}, {{0x1FCC}}},
    {0x1FD2, {{0x399, 0x308, 0x300}}, {{0x399, 0x308, 0x300}}},
    {0x1FD3, {{0x399, 0x308, 0x301}}, {{0x399, 0x308, 0x301}}},
    {0x1FD6, {{0x399, 0x342}}, {{0x399, 0x342}}},
    {0x1FD7, {{0x399, 0x308, 0x342}}, {{0x399, 0x308, 0x342}}},
    {0x1FE2, {{0x3A5, 0x308, 0x300}}, {{0x3A5, 0x308, 0x300}}},
    {0x1FE3, {{0x3A5, 0x308, 0x301}}, {{0x3A5, 0x308, 0x301}}},
    {0x1FE4, {{0x3A1, 0x313}}, {{0x3A1, 0x313}}},
    {0x1FE6, {{0x3A5, 0x342}}, {{0x3A5, 0x342}}},
    {0x1FE7, {{0x3A5, 0x308, 0x342}}, {{0x3A5, 0x308, 0x342}}},
    {0x1FF2, {{0x1FFA, 0x399}}, {{0x1FFA, 0x345}}},
    {0x1FF3, {{0x3A9, 0x399}}, {{0x1FFC}}},
    {0x1FF4, {{0x38F, 0x399}}, {{0x38F, 0x345}}},
    {0x1FF6, {{0x3A9, 0x342}}, {{0x3A9, 0x342}}},
    {0x1FF7, {{0x3A9, 0x342, 0x399}}, {{0x3A9, 0x342, 0x345}}},
    {0x1FFC, {{0x3A9, 0x399}}, {{0x1FFC}}},
    {0xFB00, {{0x46, 0x46}}, {{0x46, 0x66}}},
    {0xFB01, {{0x46, 0x49}}, {{0x46, 0x69}}},
    {0xFB02, {{0x46, 0x4C}}, {{0x46, 0x6C}}},
    {0xFB03, {{0x46, 0x46, 0x49}}, {{0x46, 0x66, 0x69}}},
    {0xFB04, {{0x46, 0x46, 0x4C}}, {{0x46, 0x66, 0x6C}}},
    {0xFB05, {{0x53, 0x54}}, {{0x53, 0x74}}},
    {0xFB06, {{0x53, 0x54}}, {{0x53, 0x74}}},
    {0xFB13, {{0x544, 0x546}}, {{0x544, 0x576}}},
    {0xFB14, {{0x544, 0x535}}, {{0x544, 0x565}}},
    {0xFB15, {{0x544, 0x53B}}, {{0x544, 0x56B}}},
    {0xFB16, {{0x54E, 0x546}}, {{0x54E, 0x576}}},
    {0xFB17, {{0x544, 0x53D}}, {{0x544, 0x56D}}},
}};

/// Appends the character in this case.
inline void add_cased(Writer& out, char32_t c, Case to, Origin origin) {
  if (c < 0x80) {
    const bool small = c >= 'a' && c <= 'z', large = c >= 'A' && c <= 'Z';
    if (small && (to == Case::upper || to == Case::title)) c -= 'a' - 'A';
    if (large && (to == Case::lower || to == Case::folded)) c += 'a' - 'A';
    return out.add(c, origin);
  }
  const auto code = static_cast<utf8proc_int32_t>(c);
  if (to == Case::folded) {
    std::array<utf8proc_int32_t, 8> folded{};
    int boundary = 0;
    const auto n = utf8proc_decompose_char(code, folded.data(), 8, UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < n; ++i)
      out.add(static_cast<char32_t>(folded[static_cast<std::size_t>(i)]), origin);
    return;
  }
  if (to == Case::lower) {
    if (c == 0x130) return out.add(U'i', origin), out.add(char32_t{0x307}, origin);
    return out.add(static_cast<char32_t>(utf8proc_tolower(code)), origin);
  }
  if (c >= 0x1F80 && c < 0x1FB0) {  // Greek with iota below
    if (to == Case::title) return out.add(c | 8, origin);
    constexpr std::array<char32_t, 3> rows{0x1F08, 0x1F28, 0x1F68};
    return out.add(rows[(c - 0x1F80) / 16] + (c & 7), origin), out.add(char32_t{0x399}, origin);
  }
  const auto special = std::lower_bound(special_cases.begin(), special_cases.end(), c,
                                        [](const SpecialCase& s, char32_t of) { return s.from < of; });
  if (special == special_cases.end() || special->from != c) {
    return out.add(static_cast<char32_t>(to == Case::upper ? utf8proc_toupper(code) : utf8proc_totitle(code)), origin);
  }
  for (const char16_t part : to == Case::upper ? special->upper : special->title)
    if (part != 0) out.add(char32_t{part}, origin);
}

inline utf8proc_category_t category_of(char32_t c) {
  return c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? UTF8PROC_CATEGORY_CS
                                                     : utf8proc_category(static_cast<utf8proc_int32_t>(c));
}
inline bool is_small(char32_t c) {
  return category_of(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA || (c >= 0x2170 && c <= 0x217F) ||
         (c >= 0x24D0 && c <= 0x24E9);
}
inline bool is_large(char32_t c) {
  return category_of(c) == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216F) || (c >= 0x24B6 && c <= 0x24CF) ||
         (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}
inline bool is_cased(char32_t c) { return is_small(c) || is_large(c) || category_of(c) == UTF8PROC_CATEGORY_LT; }
inline bool is_passed_over(char32_t c) {  // Case_Ignorable: between a letter and the sigma behind it
  if (c == '\'' || c == '.' || c == ':' || c == '^' || c == '`' || c == 0xB7 || c == 0x2019 || c == 0x2018 ||
      c == 0x2024 || c == 0x2027)
    return true;
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return false;
  }
}
/// Whether the sigma at [at, end) is the last letter of a word: then its small form is another.
inline bool is_final_sigma(std::string_view text, std::size_t at, std::size_t end) {
  bool before = false;
  for (std::size_t i = 0; i < at;) {
    const char32_t c = character_at(text, i);
    if (!is_passed_over(c)) before = is_cased(c);
  }
  if (!before) return false;
  while (end < text.size()) {
    const char32_t c = character_at(text, end);
    if (!is_passed_over(c)) return !is_cased(c);
  }
  return true;
}
/// Appends the characters of [from, to) in this case.
inline void add_cased(Writer& out, const Text& text, std::size_t from, std::size_t to, Case how) {
  for (std::size_t at = from; at < to;) {
    const std::size_t begin = at;
    const char32_t c = character_at(text.bytes, at);
    const Origin origin = origin_at(text, begin);
    if (how == Case::lower && c == 0x3A3) {
      // The word's beginning is sought in what was read last, so that many sigmas take no longer than their text.
      const std::size_t near = begin > 256 ? begin - 256 : 0;
      const std::string_view around = std::string_view(text.bytes).substr(near, 512 + at - begin);
      out.add(is_final_sigma(around, begin - near, at - near) ? char32_t{0x3C2} : char32_t{0x3C3}, origin);
    } else {
      add_cased(out, c, how, origin);
    }
  }
}

inline bool is_letter(char32_t c) { return char_class(c) == CharClass::letter; }
inline bool is_decimal(char32_t c) { return category_of(c) == UTF8PROC_CATEGORY_ND; }
/// Digits in other dress, too: superscripts, circled ones and the like.
inline bool is_digit(char32_t c) {
  constexpr std::array<std::array<char32_t, 2>, 20> others{{
      {0xB2, 0xB3},     {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},
      {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247C},   {0x2488, 0x2490},
      {0x24EA, 0x24EA}, {0x24F5, 0x24FD},   {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},
      {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A},
  }};
  return is_decimal(c) ||
         std::any_of(others.begin(), others.end(), [&](const auto& range) { return c >= range[0] && c <= range[1]; });
}
/// What has a value as a number, ideographs of numbers too.
inline bool is_numeric(char32_t c) {
  constexpr std::array<char32_t, 81> ideographs{
      0x3405,  0x3483,  0x382A,  0x3B4D,  0x4E00,  0x4E03,  0x4E07,  0x4E09,  0x4E5D,  0x4E8C,  0x4E94,  0x4E96,
      0x4EBF,  0x4EC0,  0x4EDF,  0x4EE8,  0x4F0D,  0x4F70,  0x5104,  0x5146,  0x5169,  0x516B,  0x516D,  0x5341,
      0x5343,  0x5344,  0x5345,  0x534C,  0x53C1,  0x53C2,  0x53C3,  0x53C4,  0x56DB,  0x58F1,  0x58F9,  0x5E7A,
      0x5EFE,  0x5EFF,  0x5F0C,  0x5F0D,  0x5F0E,  0x5F10,  0x62FE,  0x634C,  0x67D2,  0x6F06,  0x7396,  0x767E,
      0x8086,  0x842C,  0x8CAE,  0x8CB3,  0x8D30,  0x9621,  0x9646,  0x964C,  0x9678,  0x96F6,  0xF96B,  0xF973,
      0xF978,  0xF9B2,  0xF9D1,  0xF9D3,  0xF9FD,  0x20001, 0x20064, 0x200E2, 0x20121, 0x2092A, 0x20983, 0x2098C,
      0x2099C, 0x20AEA, 0x20AFD, 0x20B19, 0x22390, 0x22998, 0x23B1B, 0x2626D, 0x2F890,
  };
  return char_class(c) == CharClass::number || std::binary_search(ideographs.begin(), ideographs.end(), c);
}

}  // namespace tfm::inline TFM_ABI::jinja
