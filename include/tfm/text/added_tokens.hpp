#pragma once
// AddedToken: a token that a configuration file adds to a vocabulary, or makes a marker of.
#include <string>

#include "tfm/text/marker_splitter.hpp"

namespace tfm::inline TFM_ABI {

/// It is matched in a text as it is spelt, before the text becomes pieces. A special one is a control token: it has no text,
/// and only a template may write it; another is text that anybody may write, unless it looks like a marker (<|im_end|>).
struct AddedToken {
  std::string content;
  bool special = true;
  MarkerRule rule{};
  bool normalized = false;  ///< it is sought in the normalized text

  TokenType type() const noexcept { return special ? TokenType::control : effective_type(TokenType::user_defined, content); }
};

}  // namespace tfm::inline TFM_ABI
