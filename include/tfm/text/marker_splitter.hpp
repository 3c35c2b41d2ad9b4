#pragma once
// MarkerSplitter: finds the tokens that are matched in a text as they are spelt, before anything else is done with it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// Cuts a text at the markers in it: the leftmost first, and of those the longest.
class MarkerSplitter {
  std::array<std::vector<std::size_t>, 256> lengths_;  // of the markers that begin with this byte, longest first
  std::vector<bool> marker_;                           // by token
  bool any_ = false;

 public:
  MarkerSplitter() = default;
  /// The markers are the pieces whose type `wanted` accepts.
  MarkerSplitter(const Vocabulary& vocabulary, bool (*wanted)(TokenType)) : marker_(to_size(vocabulary.size())) {
    for (Token token = 0; token < vocabulary.size(); ++token) {
      const std::string_view piece = vocabulary.piece(token);
      if (piece.empty() || !wanted(vocabulary.type(token)) || vocabulary.find(piece) != token) continue;
      marker_[to_size(token)] = any_ = true;
      lengths_[static_cast<unsigned char>(piece[0])].push_back(piece.size());
    }
    for (auto& lengths : lengths_) {
      std::sort(lengths.begin(), lengths.end(), std::greater<>());
      lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
    }
  }

  /// Calls on_text(std::string_view) and on_token(Token), in order, for the whole of the text.
  template <class OnText, class OnToken>
  void split(const Vocabulary& vocabulary, std::string_view text, OnText on_text, OnToken on_token) const {
    std::size_t from = 0, at = 0;
    while (any_ && at < text.size()) {
      std::size_t matched = 0;
      for (const std::size_t length : lengths_[static_cast<unsigned char>(text[at])]) {
        if (length > text.size() - at) continue;
        const auto token = vocabulary.find(text.substr(at, length));
        if (!token || !marker_[to_size(*token)]) continue;
        if (at > from) on_text(text.substr(from, at - from));
        on_token(*token);
        matched = length;
        break;
      }
      if (matched == 0) {
        ++at;
      } else {
        from = at += matched;
      }
    }
    if (from < text.size()) on_text(text.substr(from));
  }
};

}  // namespace tfm::inline TFM_ABI
