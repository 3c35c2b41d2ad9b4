// What normal_forms.hpp declares.
#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
TFM_INLINE int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }
}  // namespace detail

TFM_INLINE void normalize(std::string& text, NormalForm form) {
  const bool composed = form == NormalForm::nfc || form == NormalForm::nfkc;
  // No form changes ASCII, and NFC nothing below the combining marks, U+0300, whose first byte is 0xCC.
  const unsigned char plain = form == NormalForm::nfc ? 0xCC : 0x80;
  if (std::all_of(text.begin(), text.end(), [&](char c) { return static_cast<unsigned char>(c) < plain; })) return;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<utf8proc_int32_t>(next_code_point(text, at));
    utf8proc_int32_t parts[32];  // the longest has 18
    int last = 0;
    const auto count = c < 0x80 ? 0 : utf8proc_decompose_char(c, parts, 32, options, &last);
    if (count > 0 && count <= 32) codes.insert(codes.end(), parts, parts + count);
    else codes.push_back(c);
  }
  // utf8proc's own ordering takes quadratic time where many marks follow one another.
  for (std::size_t from = 0; from < codes.size();) {
    std::size_t to = from;
    while (to < codes.size() && codes[to] >= 0x300 && detail::combining_class(codes[to]) != 0) ++to;
    const auto by_class = [](utf8proc_int32_t a, utf8proc_int32_t b) {
      return detail::combining_class(a) < detail::combining_class(b);
    };
    const auto begin = codes.begin() + static_cast<std::ptrdiff_t>(from),
               end = codes.begin() + static_cast<std::ptrdiff_t>(to);
    if (to - from > 1) std::stable_sort(begin, end, by_class);
    from = std::max(to, from + 1);
  }
  auto size = static_cast<utf8proc_ssize_t>(codes.size());
  if (composed)
    size = utf8proc_normalize_utf32(codes.data(), size,
                                    static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  text.clear();
  for (utf8proc_ssize_t i = 0; i < size; ++i)
    append_utf8(text, static_cast<char32_t>(codes[static_cast<std::size_t>(i)]));
}

}  // namespace tfm::inline TFM_ABI
