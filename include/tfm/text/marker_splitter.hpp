#pragma once
// MarkerSplitter: finds the tokens that are matched in a text as they are spelt, before anything else is done with it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/unicode.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// How a marker sits in a text: it may take the white space beside it with it, and may be wanted only where no letter,
/// number or underscore touches it.
struct MarkerRule {
  bool takes_left = false, takes_right = false, whole_word = false;
  bool plain() const noexcept { return !takes_left && !takes_right && !whole_word; }
};

namespace detail {
/// Where the white space at the end of a well-formed text begins.
std::size_t trailing_space(std::string_view text);
/// The bytes of white space with which a text begins.
std::size_t leading_space(std::string_view text);
bool begins_with_word(std::string_view text);
bool ends_with_word(std::string_view text);
}  // namespace detail

/// Cuts a text at the markers in it: the leftmost first, and of those the longest.
class MarkerSplitter {
  std::array<std::vector<std::size_t>, 256> lengths_;  // of the markers that begin with this byte, longest first
  std::vector<bool> marker_;                           // by token
  std::vector<std::pair<Token, MarkerRule>> rules_;    // of those that have one, by token
  bool any_ = false;

 public:
  MarkerSplitter() = default;
  /// The markers are the tokens that `wanted(token)` accepts; what no text can spell is none.
  template <class Wanted>
  MarkerSplitter(const Vocabulary& vocabulary, Wanted wanted) : marker_(to_size(vocabulary.size())) {
    for (Token token = 0; token < vocabulary.size(); ++token) {
      const std::string_view piece = vocabulary.piece(token);
      if (piece.empty() || !wanted(token) || vocabulary.find(piece) != token) continue;
      marker_[to_size(token)] = any_ = true;
      lengths_[static_cast<unsigned char>(piece[0])].push_back(piece.size());
    }
    for (auto& lengths : lengths_) {
      std::sort(lengths.begin(), lengths.end(), std::greater<>());
      lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
    }
  }
  void set_rule(Token token, MarkerRule rule);
  MarkerRule rule(Token token) const;

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
        matched = length;
        if (!rules_.empty() && rule(*token).whole_word &&
            (detail::ends_with_word(text.substr(0, at)) || detail::begins_with_word(text.substr(at + length))))
          break;  // not a word of its own: passed over whole
        if (at > from) on_text(text.substr(from, at - from));
        on_token(*token);
        from = at + length;
        break;
      }
      at += std::max<std::size_t>(matched, 1);
    }
    if (from < text.size()) on_text(text.substr(from));
  }
};

/// Goes over segments as one text: on_stretch(std::string_view) for what lies between two markers (never empty) and
/// on_token(Token) for each marker, in order. `in_user` and `in_template` find those that a user and a template may write.
template <class OnStretch, class OnToken>
void split_segments(const Vocabulary& vocabulary, const MarkerSplitter& in_user, const MarkerSplitter& in_template,
                    std::span<const TextSegment> segments, OnStretch on_stretch, OnToken on_token) {
  std::string stretch;  // what has been read since the last marker, across segments
  bool swallow = false;  // the last marker takes the white space behind it
  const auto finish = [&] {
    if (!stretch.empty()) on_stretch(std::string_view(stretch));
    stretch.clear();
  };
  for (const TextSegment& segment : segments) {
    const MarkerSplitter& markers = segment.from_template ? in_template : in_user;
    markers.split(
        vocabulary, segment.text,
        [&](std::string_view text) {
          if (swallow) text.remove_prefix(detail::leading_space(text));
          swallow = swallow && text.empty();
          stretch += text;
        },
        [&](Token token) {
          const MarkerRule rule = markers.rule(token);
          if (rule.takes_left) stretch.resize(detail::trailing_space(stretch));
          finish();
          on_token(token);
          swallow = rule.takes_right;
        });
  }
  finish();
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/marker_splitter.inl"
#endif
