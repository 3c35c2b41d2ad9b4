// What token_spans.hpp declares.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

/// One stretch in which two texts differ, walked along its shortest edits: on diagonal k, x bytes of a and x - k of b
/// are behind us.
class EditWalk {
  static constexpr std::int64_t most = 256, sure = 32;  // edits; bytes that agree
  std::string_view a_, b_;
  std::int64_t size_a_, size_b_;
  std::vector<std::vector<std::int64_t>> furthest_;  // after d edits, by diagonal from -d on: the greatest x; -1: none

  struct Edit {
    std::int64_t x;  // behind it; -1: there is none
    bool of_b;       // a byte of b was left over, not one of a
  };
  /// The d-th edit of the way that leads the furthest on diagonal k.
  Edit edit(std::int64_t d, std::int64_t k) const {
    if (d == 0) return {0, false};
    const auto before = [&](std::int64_t diagonal) {
      return diagonal < 1 - d || diagonal > d - 1
                 ? -1
                 : furthest_[static_cast<std::size_t>(d - 1)][static_cast<std::size_t>(diagonal + d - 1)];
    };
    const std::int64_t of_b = before(k + 1), of_a = before(k - 1);
    const Edit left_b{of_b - k <= size_b_ ? of_b : -1, true},
        left_a{of_a >= 0 && of_a < size_a_ ? of_a + 1 : -1, false};
    return left_b.x > left_a.x ? left_b : left_a;
  }
  /// What agrees on the way to x on diagonal k by d edits.
  void trace(std::int64_t d, std::int64_t k, std::int64_t x, std::size_t a, std::size_t b,
             std::vector<Agreement>& out) const {
    const auto first = static_cast<std::ptrdiff_t>(out.size());
    for (; d >= 0; --d) {
      const Edit last = edit(d, k);
      if (x > last.x)
        out.push_back({a + static_cast<std::size_t>(last.x), b + static_cast<std::size_t>(last.x - k),
                       static_cast<std::size_t>(x - last.x)});
      x = last.of_b ? last.x : last.x - 1;
      k += last.of_b ? 1 : -1;
    }
    std::reverse(out.begin() + first, out.end());
  }

 public:
  EditWalk(std::string_view a, std::string_view b)
      : a_(a), b_(b), size_a_(static_cast<std::int64_t>(a.size())), size_b_(static_cast<std::int64_t>(b.size())) {}

  /// Walks to where the texts agree again, or end; what agrees on the way goes to `out`, with `a` and `b` added. The
  /// bytes of both that are behind us then.
  std::pair<std::size_t, std::size_t> operator()(std::size_t a, std::size_t b, std::vector<Agreement>& out) {
    std::int64_t end = 0, diagonal = 0, edits = 0;
    const auto behind = [&] {
      trace(edits, diagonal, end, a, b, out);
      return std::pair(static_cast<std::size_t>(end), static_cast<std::size_t>(end - diagonal));
    };
    for (std::int64_t d = 0; d <= most; ++d) {
      std::vector<std::int64_t> reached(static_cast<std::size_t>(2 * d + 1), -1);
      std::int64_t best = -1;
      for (std::int64_t k = -d; k <= d; k += 2) {
        const std::int64_t from = edit(d, k).x;
        if (from < 0) continue;
        std::int64_t x = from;
        while (x < size_a_ && x - k < size_b_ && a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(x - k)])
          ++x;
        reached[static_cast<std::size_t>(k + d)] = x;
        const bool sure_of_it = x - from >= sure || (x == size_a_ && x - k == size_b_);
        if (2 * x - k > best || sure_of_it) best = 2 * x - k, end = x, diagonal = k, edits = d;
        if (sure_of_it) return behind();
      }
      furthest_.push_back(std::move(reached));
    }
    return behind();
  }
};

}  // namespace detail

TFM_INLINE std::vector<Agreement> agreements(std::string_view a, std::string_view b) {
  std::vector<Agreement> out;
  for (std::size_t x = 0, y = 0; x < a.size() && y < b.size();) {
    const auto [end, ignored] = std::mismatch(a.begin() + static_cast<std::ptrdiff_t>(x), a.end(),
                                              b.begin() + static_cast<std::ptrdiff_t>(y), b.end());
    const auto same = static_cast<std::size_t>(end - a.begin()) - x;
    if (same > 0) out.push_back({x, y, same});
    x += same, y += same;
    if (x == a.size() || y == b.size()) break;
    const auto [in_a, in_b] = detail::EditWalk(a.substr(x), b.substr(y))(x, y, out);
    x += in_a, y += in_b;
  }
  return out;
}

TFM_INLINE std::vector<TextSpan> token_spans(const AnyTokenizer& tokenizer, std::span<const Token> ids,
                                             std::string_view text) {
  std::string spelt;
  std::vector<TextSpan> spans;  // in `spelt`, to begin with
  spans.reserve(ids.size());
  for (const Token id : ids) {
    const std::size_t begin = spelt.size();
    spelt += tokenizer.is_control(id) ? tokenizer.piece(id) : tokenizer.bytes(id);
    spans.push_back({begin, spelt.size()});
  }
  std::vector<Agreement> same = agreements(spelt, text);
  same.push_back({spelt.size(), text.size(), 0});
  std::size_t next = 0;  // the first agreement that does not end before the token
  for (TextSpan& span : spans) {
    const TextSpan own = span;
    span = {text.size(), 0};
    const auto take = [&](std::size_t begin, std::size_t end) {
      span = {std::min(span.begin, begin), std::max(span.end, end)};
    };
    while (next + 1 < same.size() && same[next].a + same[next].size <= own.begin) ++next;
    std::size_t gap = text.size();  // where what is left over of the token stands, if it stands for nothing
    for (std::size_t i = next; i < same.size(); ++i) {
      const Agreement& here = same[i];
      const std::size_t before_a = i == 0 ? 0 : same[i - 1].a + same[i - 1].size,
                        before_b = i == 0 ? 0 : same[i - 1].b + same[i - 1].size;
      if (std::max(before_a, own.begin) < std::min(here.a, own.end)) {
        if (before_b < here.b) take(before_b, here.b);
        else gap = here.b;
      }
      if (here.a >= own.end) break;
      const std::size_t begin = std::max(own.begin, here.a), end = std::min(own.end, here.a + here.size);
      if (begin < end) take(here.b + (begin - here.a), here.b + (end - here.a));
    }
    if (span.begin >= span.end) span = {gap, std::min(gap + 1, text.size())};
  }
  return spans;
}

}  // namespace tfm::inline TFM_ABI
