// What charsmap.hpp declares.
#include <algorithm>
#include <cstring>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void CharsmapTrie::fail(std::initializer_list<TextPart> found) const {
  raise<LoadError>({"tfm: ", what_, ": the normalisation rules ", joined(found)});
}

TFM_INLINE std::uint32_t CharsmapTrie::unit(std::size_t i) const noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, units_.data() + 4 * i, 4);
  return value;
}

TFM_INLINE std::size_t CharsmapTrie::base(std::size_t node) const {
  const std::uint32_t u = unit(node);
  const std::size_t at = node ^ (static_cast<std::size_t>(u >> 10) << ((u & 0x200) >> 6));
  if ((at | 0xFF) >= count_) fail({"lead outside their table of ", count_, " units"});
  return at;
}

TFM_INLINE void CharsmapTrie::check_string(std::size_t base_at) const {
  const std::size_t at = unit(base_at) & 0x7FFFFFFF;
  if (at >= strings_.size()) fail({"name a text outside their ", strings_.size(), " bytes of texts"});
  if (strings_.substr(at, max_string + 1).find('\0') == std::string_view::npos) {
    fail({"hold a text of more than ", max_string, " bytes"});
  }
}

TFM_INLINE CharsmapTrie::CharsmapTrie(std::string_view units, std::string_view strings, std::string_view what) : units_(units), strings_(strings), what_(what), count_(units.size() / 4) {}

TFM_INLINE void CharsmapTrie::check() const {
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

}  // namespace detail

TFM_INLINE void check_charsmap(std::string_view charsmap, std::string_view what) {
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
