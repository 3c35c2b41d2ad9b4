// What normalizer.hpp declares.
#include <utf8proc.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tfm/core/error.hpp"
#include "tfm/text/byte_alphabet.hpp"
#include "tfm/text/charsmap.hpp"
#include "tfm/text/unicode.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// Calls change(code point, out) for each character of the text, which becomes what it appended.
template <class Change>
void each_character(std::string& text, Change change) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();) change(next_code_point(text, at), out);
  text = std::move(out);
}
TFM_INLINE int category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

TFM_INLINE void make_small(std::string& text) {
  each_character(text, [](char32_t c, std::string& out) {
    append_utf8(out, c == 0x130 ? U'i' : small_letter(c));
    if (c == 0x130) append_utf8(out, 0x307);  // the only character of which two become
  });
}
TFM_INLINE void take_out(std::string& text, std::uint32_t categories) {
  each_character(text, [&](char32_t c, std::string& out) {
    if (c < 0x80 || (categories >> category(c) & 1) == 0) append_utf8(out, c);
  });
}
inline constexpr std::uint32_t spacing_marks = 1u << UTF8PROC_CATEGORY_MC | 1u << UTF8PROC_CATEGORY_ME;
inline constexpr std::uint32_t other_marks = 1u << UTF8PROC_CATEGORY_MN;

TFM_INLINE void apply_nmt(std::string& text) {
  each_character(text, [](char32_t c, std::string& out) {
    const bool gone =
        (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
                       c == 0xFFFD;
    if (!gone) append_utf8(out, space ? U' ' : c);
  });
}

/// Without what is no text (BERT's _clean_text), and with a space for each white space.
TFM_INLINE void clean_for_bert(std::string& text) {
  each_character(text, [](char32_t c, std::string& out) {
    const bool white = is_white_space(c);
    const int kind = category(c);
    const bool other = kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_CO;
    const bool kept = c == '\t' || c == '\n' || c == '\r' || (c != 0 && c != 0xFFFD && !other);
    if (kept) append_utf8(out, white ? U' ' : c);
  });
}
TFM_INLINE bool is_bert_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}
TFM_INLINE void apply_bert(const NormalizerStep& step, std::string& text) {
  if (step.clean_text) clean_for_bert(text);
  if (step.spaced_chinese)
    each_character(text, [](char32_t c, std::string& out) {
      const bool chinese = is_bert_chinese(c);
      if (chinese) out.push_back(' ');
      append_utf8(out, c);
      if (chinese) out.push_back(' ');
    });
  if (step.bare_letters) normalize(text, NormalForm::nfd), take_out(text, other_marks);
  if (step.small_letters) make_small(text);
}

/// As Hugging Face's library has it: a rule for a whole grapheme of fewer than six bytes, or else for each character;
/// of rules for several beginnings the shortest.
TFM_INLINE void apply_charsmap(const Charsmap& rules, std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    utf8proc_int32_t state = 0;
    for (char32_t last = next_code_point(text, end); end < text.size();) {
      std::size_t next = end;
      const char32_t c = next_code_point(text, next);
      if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last), static_cast<utf8proc_int32_t>(c),
                                           &state))
        break;
      last = c, end = next;
    }
    const std::string_view grapheme = std::string_view(text).substr(at, end - at);
    const auto whole = grapheme.size() < 6 ? rules.first(grapheme) : std::nullopt;
    if (whole) out += *whole;
    for (std::size_t from = 0, to = 0; !whole && from < grapheme.size(); from = to) {
      next_code_point(grapheme, to);
      const std::string_view character = grapheme.substr(from, to - from);
      out += rules.first(character).value_or(character);
    }
    at = end;
  }
  text = std::move(out);
}

/// No rule of Unicode makes a text more than eleven times as long; one that does is no tokenizer's.
class Growth {
  std::string_view what_;
  std::size_t before_;

 public:
  Growth(std::string_view what, std::size_t before) : what_(what), before_(before) {}
  void check(std::size_t after) const {
    if (after > 64 * before_ + 65536)
      raise<TokenizerError>({"tfm: ", what_, ": the normalizer makes ", after, " bytes of a text of ", before_,
                             ", expected at most 64 times as many"});
  }
};

TFM_INLINE void replace_matches(const NormalizerStep& step, std::string& text, const Growth& growth) {
  Pattern::States states;
  std::vector<TextSpan> matches;
  step.pattern->find(text, states, matches);
  if (matches.empty()) return;
  growth.check(matches.size() * step.text.size());
  std::string out;
  std::size_t at = 0;
  for (const TextSpan match : matches) {
    out.append(text, at, match.begin - at).append(step.text);
    at = match.end;
  }
  out.append(text, at);
  text = std::move(out);
}

TFM_INLINE void strip(std::string& text, bool left, bool right) {
  const auto trailing = [&] {  // the white space at the end, in one walk
    std::size_t end = 0;
    for (std::size_t at = 0; at < text.size();)
      if (!is_white_space(next_code_point(text, at))) end = at;
    return end;
  };
  if (right) text.resize(trailing());
  std::size_t begin = 0;
  for (std::size_t at = 0; left && at < text.size() && is_white_space(next_code_point(text, at));) begin = at;
  text.erase(0, begin);
}

}  // namespace detail

TFM_INLINE void Normalizer::apply(std::string& text) const {
  using Kind = NormalizerStep::Kind;
  const detail::Growth growth(what_, text.size());
  for (const NormalizerStep& step : steps_) {
    switch (step.kind) {
      case Kind::nfc: normalize(text, NormalForm::nfc); break;
      case Kind::nfd: normalize(text, NormalForm::nfd); break;
      case Kind::nfkc: normalize(text, NormalForm::nfkc); break;
      case Kind::nfkd: normalize(text, NormalForm::nfkd); break;
      case Kind::lowercase: detail::make_small(text); break;
      case Kind::strip_accents: detail::take_out(text, detail::spacing_marks | detail::other_marks); break;
      case Kind::nmt: detail::apply_nmt(text); break;
      case Kind::strip: detail::strip(text, step.left, step.right); break;
      case Kind::prepend: if (!text.empty()) text.insert(0, step.text); break;
      case Kind::replace: detail::replace_matches(step, text, growth); break;
      case Kind::bert: detail::apply_bert(step, text); break;
      case Kind::charsmap: detail::apply_charsmap(Charsmap(step.text), text); break;
      case Kind::byte_level: {
        std::string out;
        for (const char c : text) append_utf8(out, byte_alphabet[static_cast<unsigned char>(c)]);
        text = std::move(out);
      }
    }
    growth.check(text.size());
  }
}

}  // namespace tfm::inline TFM_ABI
