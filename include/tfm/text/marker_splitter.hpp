#pragma once
// MarkerSplitter: finds the tokens that are matched in a text as they are spelt, before anything else is done with it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/byte_trie.hpp"
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
bool is_word(char32_t c) noexcept;
bool begins_with_word(std::string_view text);
bool ends_with_word(std::string_view text);
}  // namespace detail

/// Cuts a text at the markers in it: the leftmost first, and of those the longest.
class MarkerSplitter {
  struct Marker {
    Token token;
    MarkerRule rule;
    bool closed;  // it is not cut at, and nothing inside it is
  };
  ByteTrie trie_;
  std::vector<Marker> markers_;

 public:
  MarkerSplitter() = default;
  /// The markers are the tokens that `wanted(token)` accepts; what no text can spell is none.
  template <class Wanted>
  MarkerSplitter(const Vocabulary& vocabulary, Wanted wanted) {
    for (Token token = 0; token < vocabulary.size(); ++token) {
      const std::string_view piece = vocabulary.piece(token);
      if (!piece.empty() && wanted(token) && vocabulary.find(piece) == token) add(piece, token);
    }
  }
  /// A marker that is spelt so; one with the same spelling stays. A closed one is text, with all that is in it.
  void add(std::string_view text, Token token, MarkerRule rule = {}, bool closed = false);
  void set_rule(Token token, MarkerRule rule);
  bool empty() const noexcept { return markers_.empty(); }

  /// Calls on_text(std::string_view) and on_token(Token, MarkerRule), in order, for the whole of the text.
  template <class OnText, class OnToken>
  void split(std::string_view text, OnText on_text, OnToken on_token) const {
    std::size_t from = 0, at = 0;
    while (!empty() && at < text.size()) {
      const Marker* longest = nullptr;
      std::size_t end = at + 1, next = at;
      for (std::int32_t node = ByteTrie::root; next < text.size();) {
        node = trie_.below(node, text[next++]);
        if (node == ByteTrie::none) break;
        if (const std::int32_t marker = trie_.value(node); marker >= 0)
          longest = &markers_[static_cast<std::size_t>(marker)], end = next;
      }
      const bool touched = longest != nullptr && longest->rule.whole_word &&
                           (detail::ends_with_word(text.substr(0, at)) || detail::begins_with_word(text.substr(end)));
      if (longest != nullptr && !touched && !longest->closed) {
        if (at > from) on_text(text.substr(from, at - from));
        on_token(longest->token, longest->rule);
        from = end;
      }
      at = end;
    }
    if (from < text.size()) on_text(text.substr(from));
  }
};

/// Goes over segments as one text: on_stretch(std::string_view) for what lies between two markers (never empty) and
/// on_token(Token) for each marker, in order. `in_user` and `in_template` find those that a user and a template may
/// write.
template <class OnStretch, class OnToken>
void split_segments(const MarkerSplitter& in_user, const MarkerSplitter& in_template,
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
        segment.text,
        [&](std::string_view text) {
          if (swallow) text.remove_prefix(detail::leading_space(text));
          swallow = swallow && text.empty();
          stretch += text;
        },
        [&](Token token, MarkerRule rule) {
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
