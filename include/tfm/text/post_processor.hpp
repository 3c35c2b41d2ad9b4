#pragma once
// PostProcessor: the tokens that stand around an encoded text, or around two of them.
#include <cstdint>
#include <span>
#include <vector>

#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Tokens, and for each the number by which models such as BERT tell a first text from a second.
struct JoinedTokens {
  std::vector<Token> tokens;
  std::vector<std::int32_t> types;
};

struct PostProcessor {
  struct Part {
    int text = -1;              ///< 0, 1: the first, the second text; -1: `tokens`
    std::int32_t type = 0;
    std::vector<Token> tokens{};
  };
  std::vector<Part> single{{.text = 0}};
  std::vector<Part> pair{{.text = 0}, {.text = 1, .type = 1}};

  /// One encoded text with what stands around it.
  JoinedTokens operator()(std::span<const Token> text) const { return join(single, {text, {}}); }
  /// Two.
  JoinedTokens operator()(std::span<const Token> a, std::span<const Token> b) const { return join(pair, {a, b}); }

 private:
  struct Texts {
    std::span<const Token> a, b;
  };
  static JoinedTokens join(std::span<const Part> parts, const Texts& texts) {
    JoinedTokens out;
    for (const Part& part : parts) {
      const std::span<const Token> tokens = part.text == 0   ? texts.a
                                            : part.text == 1 ? texts.b
                                                             : std::span(part.tokens);
      out.tokens.insert(out.tokens.end(), tokens.begin(), tokens.end());
      out.types.insert(out.types.end(), tokens.size(), part.type);
    }
    return out;
  }
};

}  // namespace tfm::inline TFM_ABI
