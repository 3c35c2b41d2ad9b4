#pragma once
// ByteTrie: texts with a number each, of which all that a text begins with are found in one walk.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tfm/core/random.hpp"

namespace tfm::inline TFM_ABI {

class ByteTrie {
  struct Edge {
    std::uint64_t from = 0;  // node << 8 | byte, plus one; 0 is a free place
    std::int32_t to = 0;
  };
  std::array<std::int32_t, 256> first_{};  // the nodes below the root; 0: none
  std::vector<Edge> edges_{4};             // of the other nodes: open addressing
  std::vector<std::int32_t> values_{-1};   // by node; the root is 0
  std::size_t used_ = 0;

  static std::uint64_t key(std::int32_t node, unsigned char byte) noexcept {
    return (static_cast<std::uint64_t>(node) << 8 | byte) + 1;
  }
  std::size_t place(std::uint64_t from) const noexcept {
    const std::size_t mask = edges_.size() - 1;
    std::size_t i = static_cast<std::size_t>(splitmix64(from)) & mask;
    while (edges_[i].from != 0 && edges_[i].from != from) i = (i + 1) & mask;
    return i;
  }
  void grow() {
    std::vector<Edge> before(2 * edges_.size());
    std::swap(before, edges_);
    for (const Edge& edge : before)
      if (edge.from != 0) edges_[place(edge.from)] = edge;
  }

 public:
  static constexpr std::int32_t root = 0, none = 0;

  /// The node below one, by the next byte; none where no text goes on so.
  std::int32_t below(std::int32_t node, char next) const noexcept {
    const auto byte = static_cast<unsigned char>(next);
    return node == root ? first_[byte] : edges_[place(key(node, byte))].to;
  }
  /// The number of the text that ends at the node, or -1.
  std::int32_t value(std::int32_t node) const noexcept { return values_[static_cast<std::size_t>(node)]; }
  bool empty() const noexcept { return values_.size() == 1; }

  /// A text that is there already keeps its number.
  void add(std::string_view text, std::int32_t value) {
    std::int32_t node = root;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (const std::int32_t next = below(node, c); next != none) {
        node = next;
        continue;
      }
      const auto fresh = static_cast<std::int32_t>(values_.size());
      values_.push_back(-1);
      if (node == root) {
        first_[byte] = fresh;
      } else {
        if (2 * ++used_ > edges_.size()) grow();
        edges_[place(key(node, byte))] = {key(node, byte), fresh};
      }
      node = fresh;
    }
    if (values_[static_cast<std::size_t>(node)] < 0) values_[static_cast<std::size_t>(node)] = value;
  }
};

}  // namespace tfm::inline TFM_ABI
