#pragma once
// WordCache: the words of a text that have been encoded already, as most words of a text have.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "tfm/core/random.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Knows where in the text a word stood and where in the output its tokens do, so that it holds neither: both must stay
/// as they are while it is used. A word that falls on another's place drives it out.
class WordCache {
  struct Entry {
    const char* text = nullptr;
    std::uint32_t size = 0, count = 0;  // of bytes, of tokens
    std::size_t at = 0;                 // in the output
  };
  std::vector<Entry> entries_;
  Entry* place_ = nullptr;

 public:
  /// For a text of so many bytes, at whose beginning nothing is known.
  void begin(std::size_t bytes) { entries_.assign(std::bit_ceil(std::clamp<std::size_t>(bytes / 16, 1, 8192)), {}); }

  /// Appends the tokens of a word that is known. False: it is not, and once its tokens are appended, remember() is
  /// called.
  bool find(std::string_view word, std::vector<Token>& out) {
    place_ = &entries_[static_cast<std::size_t>(splitmix64(std::hash<std::string_view>{}(word))) & (entries_.size() - 1)];
    if (std::string_view(place_->text, place_->size) != word || place_->text == nullptr) return false;
    const std::size_t from = place_->at;
    for (std::size_t i = from; i < from + place_->count; ++i) out.push_back(out[i]);
    return true;
  }
  void remember(std::string_view word, std::size_t from, const std::vector<Token>& out) {
    const std::size_t count = out.size() - from;
    if (word.size() <= 0xFFFF && count <= 0xFFFF)
      *place_ = {word.data(), static_cast<std::uint32_t>(word.size()), static_cast<std::uint32_t>(count), from};
  }
};

}  // namespace tfm::inline TFM_ABI
