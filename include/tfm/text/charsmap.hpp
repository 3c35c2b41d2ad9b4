#pragma once
// Sentencepiece's compiled normalisation rules (precompiled_charsmap), checked before the library walks them unchecked.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A double-array trie (darts-clone's layout): units of 32 bits, reached by exclusive or with offsets and labels.
class CharsmapTrie {
  std::string_view units_, strings_, what_;
  std::size_t count_;

  static constexpr std::size_t max_string = 1024;  // Unicode's longest decomposition has 18 characters
  static constexpr int max_matches = 32;           // the library keeps that many on its stack

  [[noreturn, gnu::cold, gnu::noinline]] void fail(std::initializer_list<TextPart> found) const {
    raise<LoadError>({"tfm: ", what_, ": the normalisation rules ", joined(found)});
  }
  std::uint32_t unit(std::size_t i) const noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, units_.data() + 4 * i, 4);
    return value;
  }
  static std::uint32_t label(std::uint32_t u) noexcept { return u & 0x800000FFu; }
  static bool has_string(std::uint32_t u) noexcept { return (u >> 8 & 1) != 0; }
  /// Where a node's children are, each at base ^ label.
  std::size_t base(std::size_t node) const {
    const std::uint32_t u = unit(node);
    const std::size_t at = node ^ (static_cast<std::size_t>(u >> 10) << ((u & 0x200) >> 6));
    if ((at | 0xFF) >= count_) fail({"lead outside their table of ", count_, " units"});
    return at;
  }
  void check_string(std::size_t base_at) const {
    const std::size_t at = unit(base_at) & 0x7FFFFFFF;
    if (at >= strings_.size()) fail({"name a text outside their ", strings_.size(), " bytes of texts"});
    if (strings_.substr(at, max_string + 1).find('\0') == std::string_view::npos) {
      fail({"hold a text of more than ", max_string, " bytes"});
    }
  }

 public:
  CharsmapTrie(std::string_view units, std::string_view strings, std::string_view what)
      : units_(units), strings_(strings), what_(what), count_(units.size() / 4) {}

  /// Visits every node that some text can reach; LoadError if one leads outside, back to itself, or to too many texts.
  void check() const {
    // 0: not seen; 1: above the node in hand; 2 + n: done, and at most n rules match along one path from here
    std::vector<std::uint8_t> state(count_);
    struct Frame {
      std::size_t node;
      std::uint32_t child;
      int matches;
    };
    std::vector<Frame> path{{0, 0, 0}};
    state[0] = 1;
    while (!path.empty()) {
      Frame& frame = path.back();
      const std::size_t children = base(frame.node);
      if (frame.child == 0 && frame.node != 0 && has_string(unit(frame.node))) check_string(children);
      std::size_t deeper = count_;
      while (frame.child < 256 && deeper == count_) {
        const std::size_t next = children ^ frame.child++;
        if (label(unit(next)) != frame.child - 1) continue;
        if (state[next] == 1) fail({"lead back to themselves"});
        if (state[next] == 0) {
          deeper = next;
        } else {
          frame.matches = std::max(frame.matches, state[next] - 2);
        }
      }
      if (deeper != count_) {
        if (path.size() > max_string) fail({"match a text of more than ", max_string, " bytes"});
        state[deeper] = 1;
        path.push_back({deeper, 0, 0});
        continue;
      }
      const bool match = frame.node != 0 && has_string(unit(frame.node));
      const int matches = frame.matches + (match ? 1 : 0);
      if (matches > max_matches) fail({"match one text in more than ", max_matches, " ways"});
      state[frame.node] = static_cast<std::uint8_t>(2 + matches);
      path.pop_back();
      if (!path.empty()) path.back().matches = std::max(path.back().matches, matches);
    }
  }
};

}  // namespace detail

/// The rules themselves, once checked; they view the bytes.
class Charsmap {
  std::string_view units_, texts_;

  std::uint32_t unit(std::size_t i) const noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, units_.data() + 4 * i, 4);
    return value;
  }

 public:
  explicit Charsmap(std::string_view charsmap) {
    std::uint32_t size = 0;
    std::memcpy(&size, charsmap.data(), 4);
    units_ = charsmap.substr(4, size), texts_ = charsmap.substr(4 + std::size_t{size});
  }
  /// What stands for the shortest beginning of `text` that has a rule; none where none has.
  std::optional<std::string_view> first(std::string_view text) const noexcept {
    std::size_t node = 0;
    const auto below = [&](std::uint32_t of) { return node ^ (static_cast<std::size_t>(of >> 10) << ((of & 0x200) >> 6)); };
    node = below(unit(0));
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      node ^= byte;
      const std::uint32_t here = unit(node);
      if (byte == 0 || (here & 0x800000FFu) != byte) return std::nullopt;
      node = below(here);
      if ((here >> 8 & 1) == 0) continue;
      const std::string_view found = texts_.substr(unit(node) & 0x7FFFFFFF);
      return found.substr(0, found.find('\0'));
    }
    return std::nullopt;
  }
};

/// LoadError unless the library can apply the rules to any text without leaving them. `what` names the file.
inline void check_charsmap(std::string_view charsmap, std::string_view what) {
  if (charsmap.empty()) return;
  std::uint32_t size = 0;
  if (charsmap.size() > 4) std::memcpy(&size, charsmap.data(), 4);
  if (charsmap.size() <= 4 || size % 4 != 0 || size < 1024 || size >= charsmap.size() - 4 || charsmap.back() != '\0') {
    raise<LoadError>({"tfm: ", what, ": the normalisation rules have ", charsmap.size(), " bytes and say that their table has ", size,
                      "; expected 4 bytes, the table, and texts that end with a zero byte"});
  }
  detail::CharsmapTrie(charsmap.substr(4, size), charsmap.substr(4 + std::size_t{size}), what).check();
}

}  // namespace tfm::inline TFM_ABI
