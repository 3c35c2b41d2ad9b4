// What pattern.hpp declares.
#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>

#include "tfm/core/error.hpp"
#include "tfm/core/quotes.hpp"
#include "tfm/text/pattern_syntax.hpp"

namespace tfm::inline TFM_ABI {

/// From the tree to a graph of places, and from that to the tables.
class PatternBuilder {
  using Part = detail::PatternPart;
  using Kind = Part::Kind;
  using Id = std::uint32_t;
  enum class Op : unsigned char { match, set, split, look };
  struct Node {
    Op op;
    bool negative;     // of a look
    Id a, b;  // set: what follows, its number; split: first, second choice; look: what is looked for, what follows
  };
  static constexpr std::size_t most_nodes = 4096, most_states = 16384, most_steps = std::size_t{1} << 22;

  std::string_view expression_, what_;
  detail::PatternTree tree_;
  std::vector<Node> nodes_{{Op::match, false, 0, 0}};
  std::vector<Id> order_;    // splits and looks, each behind those that it asks
  std::vector<Id> entry_of_;  // by node: its number among those at which a walk goes on
  std::vector<Id> entries_;
  std::vector<std::vector<Id>> takers_;  // by class: the sets that have it
  using State = std::string;             // by node: whether a match can be reached from it

  [[noreturn]] void refuse(std::string_view why) const {
    raise<LoadError>({"tfm: ", what_, ": the pattern ", in_quotes(expression_), ": ", why});
  }
  Id add(Node node) {
    if (nodes_.size() >= most_nodes) refuse("it repeats too much: more than 4096 places, which is not supported");
    nodes_.push_back(node);
    return static_cast<Id>(nodes_.size() - 1);
  }
  Id split(Id preferred, Id other, bool greedy = true) {
    return greedy ? add({Op::split, false, preferred, other}) : add({Op::split, false, other, preferred});
  }

  /// What the character before a place is: the word boundary there becomes a look ahead.
  enum class Before : unsigned char { unknown, word, other };
  Before settle_boundaries(Part& part, Before before) {
    if (part.kind == Kind::set) {
      const CharSet& set = tree_.sets[part.set];
      const bool plain = set.ranges.empty() && set.parts.empty() && set.also.empty() && !set.negated;
      const std::uint32_t word = word_set().categories;
      if (!plain || ((set.categories & word) != 0 && (set.categories & ~word) != 0)) return Before::unknown;
      return (set.categories & word) != 0 ? Before::word : Before::other;
    }
    if (part.kind == Kind::word_boundary) {
      if (before == Before::unknown) refuse("found \\b, which is supported behind \\d, \\w and their like alone");
      part.kind = before == Before::word ? Kind::not_ahead : Kind::ahead;
      part.parts.push_back({.kind = Kind::set, .set = tree_.sets.size()});
      tree_.sets.push_back(word_set());
      return before;
    }
    const bool look = part.kind == Kind::ahead || part.kind == Kind::not_ahead;
    Before after = before, merged = before;
    bool first = true;
    for (Part& inner : part.parts) {
      const bool beside = part.kind == Kind::one_of || look, again = part.kind == Kind::repeat && part.most != 1;
      const Before of = settle_boundaries(inner, again ? Before::unknown : beside ? before : after);
      merged = first || merged == of ? of : Before::unknown;
      first = false, after = of;
    }
    if (look) return before;
    if (part.kind == Kind::repeat && part.least == 0 && after != before) return Before::unknown;
    return part.kind == Kind::one_of ? merged : after;
  }

  Id build(const Part& part, Id next) {
    switch (part.kind) {
      case Kind::set: return add({Op::set, false, next, static_cast<Id>(part.set)});
      case Kind::all_of:
        for (auto inner = part.parts.rbegin(); inner != part.parts.rend(); ++inner) next = build(*inner, next);
        return next;
      case Kind::one_of: {
        Id choice = build(part.parts.back(), next);
        for (std::size_t i = part.parts.size() - 1; i-- > 0;) {
          const Id preferred = build(part.parts[i], next);
          choice = split(preferred, choice);
        }
        return choice;
      }
      case Kind::ahead:
      case Kind::not_ahead: {
        const Id wanted = build(part.parts.front(), 0);
        return add({Op::look, part.kind == Kind::not_ahead, wanted, next});
      }
      case Kind::repeat: return build_repeat(part, next);
      case Kind::word_boundary: break;
    }
    refuse("found \\b where it is not supported");
  }
  Id build_repeat(const Part& part, Id next) {
    const Part& body = part.parts.front();
    // A possessive repetition gives nothing back: behind it that character does not follow, but where it has its most.
    const auto without = [&](Id then) {
      return part.possessive ? add({Op::look, true, build(body, 0), then}) : then;
    };
    Id begin = next;
    if (part.most < 0) {
      const Id loop = add({Op::split, false, 0, 0});
      const Id inside = build(body, loop), after = without(next);
      nodes_[loop] = {Op::split, false, part.greedy ? inside : after, part.greedy ? after : inside};
      begin = loop;
    }
    for (int i = part.least; i < part.most; ++i) begin = split(build(body, begin), without(next), part.greedy);
    for (int i = 0; i < part.least; ++i) begin = build(body, begin);
    return begin;
  }

  /// Puts splits and looks in order. One that asks itself is a repetition of what may be empty.
  void sort_nodes() {
    std::vector<char> seen(nodes_.size());  // 1: being asked, 2: done
    std::vector<std::pair<Id, int>> path;
    for (Id root = 0; root < nodes_.size(); ++root) {
      path.emplace_back(root, 0);
      while (!path.empty()) {
        auto& [id, child] = path.back();
        const Node& node = nodes_[id];
        const bool asks = node.op == Op::split || node.op == Op::look;
        if (child == 0 && seen[id] == 1) refuse("a repeated part of it may be empty, which is not supported");
        if (!asks || seen[id] == 2 || child == 2) {
          if (asks && seen[id] != 2) order_.push_back(id);
          seen[id] = 2;
          path.pop_back();
          continue;
        }
        seen[id] = 1;
        path.emplace_back(child++ == 0 ? node.a : node.b, 0);
      }
    }
  }
  /// Numbers the places behind a character that a walk from `start` comes to.
  void number_entries(Id start) {
    entry_of_.assign(nodes_.size(), 0);
    std::vector<bool> seen(nodes_.size()), entry(nodes_.size());
    std::vector<Id> open{start};
    entries_ = {start}, entry[start] = true;
    while (!open.empty()) {
      const Id id = open.back();
      open.pop_back();
      if (seen[id]) continue;
      seen[id] = true;
      const Node& node = nodes_[id];
      if (node.op == Op::set && !entry[node.a]) {
        entry_of_[node.a] = static_cast<Id>(entries_.size());
        entries_.push_back(node.a), entry[node.a] = true;
      }
      if (node.op == Op::set || node.op == Op::split) open.push_back(node.a);
      if (node.op == Op::look || node.op == Op::split) open.push_back(node.b);
    }
  }

  /// The places from which a match can be reached, in front of a character of this class and what `behind` can reach;
  /// behind the last character there is no `behind`.
  State state_before(const State* behind, std::size_t of) const {
    State state(nodes_.size(), '\0');
    state[0] = 1;
    if (behind != nullptr)
      for (const Id id : takers_[of]) state[id] = (*behind)[nodes_[id].a];
    for (const Id id : order_) {
      const Node& node = nodes_[id];
      const bool first = state[node.a] != 0, second = state[node.b] != 0;
      state[id] = node.op == Op::split ? first || second : first != node.negative && second;
    }
    return state;
  }
  std::uint16_t step(const State& state, Id from) const {
    if (state[from] == 0) return Pattern::nowhere;
    for (Id id = from;;) {
      const Node& node = nodes_[id];
      if (node.op == Op::match) return Pattern::matched;
      if (node.op == Op::set) return static_cast<std::uint16_t>(entry_of_[node.a]);
      id = node.op == Op::split && state[node.a] != 0 ? node.a : node.b;
    }
  }

 public:
  PatternBuilder(std::string_view expression, std::string_view what)
      : expression_(expression), what_(what), tree_(detail::read_pattern(expression, what)) {}

  void build(Pattern& out) {
    settle_boundaries(tree_.root, Before::unknown);
    const Id start = build(tree_.root, 0);
    sort_nodes();
    number_entries(start);
    out.classes_ = CharClasses(tree_.sets);
    if (out.classes_.empty()) refuse("it tells apart more than 255 classes of characters, which is not supported");
    const std::size_t count = out.classes_.count();
    while ((std::size_t{1} << out.class_shift_) < count) ++out.class_shift_;
    out.entries_ = entries_.size();
    takers_.resize(count);
    for (Id id = 0; id < nodes_.size(); ++id)
      for (std::size_t of = 0; of < count && nodes_[id].op == Op::set; ++of)
        if (out.classes_.has(nodes_[id].b, of)) takers_[of].push_back(id);
    std::unordered_map<State, std::uint16_t> known;
    std::vector<const State*> states;
    const auto number = [&](State state) {
      const auto [found, fresh] = known.try_emplace(std::move(state), static_cast<std::uint16_t>(states.size()));
      if (fresh) states.push_back(&found->first);
      return found->second;
    };
    number(state_before(nullptr, 0));
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states.size() > most_states || states.size() * std::max(out.entries_, nodes_.size()) > most_steps)
        refuse("its automaton has too many states, which is not supported");
      out.before_.resize((i + 1) << out.class_shift_);
      for (std::size_t of = 0; of < count; ++of)
        out.before_[i << out.class_shift_ | of] = number(state_before(states[i], of));
    }
    out.steps_.reserve(states.size() * out.entries_);
    for (const State* const state : states)
      for (const Id entry : entries_) out.steps_.push_back(step(*state, entry));
  }
};

TFM_INLINE Pattern::Pattern(std::string_view expression, std::string_view what) {
  PatternBuilder(expression, what).build(*this);
}

TFM_INLINE void Pattern::find(std::string_view text, States& states, std::vector<TextSpan>& out) const {
  const std::size_t size = text.size();
  if (states.size() < size + 1) states.resize(size + 1);
  std::size_t state = 0;
  states[size] = 0;
  for (std::size_t at = size; at > 0;) {
    const auto byte = static_cast<unsigned char>(text[--at]);
    std::size_t of = 0;
    if (byte < 0x80) {
      of = classes_.ascii(byte);
    } else {
      while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
      std::size_t next = at;
      of = classes_(next_code_point(text, next));
    }
    states[at] = before_[state << class_shift_ | of];
    state = states[at];
  }
  const auto length = [&](std::size_t at) -> std::size_t {
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  };
  std::size_t last_end = size + 1;  // of the last match: an empty one does not follow it at once
  for (std::size_t at = 0; at <= size;) {
    std::size_t entry = steps_[states[at] * entries_], end = at;
    if (entry != nowhere) {
      while (entry != matched) {
        end += length(end);
        entry = steps_[states[end] * entries_ + entry];
      }
      if (end > at || last_end != at) out.push_back({at, end}), last_end = end;
    }
    if (end > at) at = end;
    else if (at < size) at += length(at);
    else break;
  }
}

}  // namespace tfm::inline TFM_ABI
