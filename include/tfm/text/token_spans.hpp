#pragma once
// Token spans: where each token of a text stands in it, found by laying what the tokens spell beside the text.
#include <span>
#include <string_view>
#include <vector>

#include "tfm/text/pattern.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Two texts agree in these bytes: `size` of them, from `a` in the one and from `b` in the other on.
struct Agreement {
  std::size_t a, b, size;
  bool operator==(const Agreement&) const = default;
};

/// Where two texts agree, in order, with the fewest bytes left over on both sides (Myers 1986, "An O(ND) difference
/// algorithm", the greedy one), as far as the next 32 bytes that agree: what is decided there is kept. Of texts that
/// differ for more than 256 bytes at a stretch the rest of that stretch may be laid out worse; time and memory stay
/// bounded.
std::vector<Agreement> agreements(std::string_view a, std::string_view b);

/// For each token the bytes of `text` that it stands for; `ids` are what the tokenizer made of all of it, as template
/// and users wrote it. Where the tokenizer changed the text (normal forms, small letters, what is unknown to it), the
/// tokens of a changed stretch stand for all of the stretch; a space that it put in front stands for the character
/// behind it. Bytes that became no token are nobody's.
std::vector<TextSpan> token_spans(const AnyTokenizer& tokenizer, std::span<const Token> ids, std::string_view text);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/token_spans.inl"
#endif
