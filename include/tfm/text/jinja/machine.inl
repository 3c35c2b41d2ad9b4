#pragma once
// A rendering under way: what it has used of its limits, the variables in sight, and texts whose characters know who
// wrote them.
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/integer.inl"
#include "tfm/text/jinja/nodes.inl"
#include "tfm/text/jinja/template.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI::jinja {

/// Variables of one scope. A macro may go on using it after its end: then the machine keeps it.
struct Frame {
  Frame* parent = nullptr;
  std::vector<std::pair<std::uint32_t, Value>> variables{};
  bool kept = false;

  Value* find(std::uint32_t id) {
    for (auto& [name, value] : variables)
      if (name == id) return &value;
    return nullptr;
  }
  void set(std::uint32_t id, Value value) {
    if (Value* known = find(id)) *known = std::move(value);
    else variables.emplace_back(id, std::move(value));
  }
};

struct Space : Object {  // namespace(): what a template changes
  std::vector<std::pair<std::string, Value>> attributes;
  Value* find(std::string_view name) {
    for (auto& [key, value] : attributes)
      if (key == name) return &value;
    return nullptr;
  }
};

class Writer;

class Machine {
 public:
  const Program& program;
  const Limits& limits;
  const Context& context;
  std::uint32_t line = 1;
  Frame root{};
  std::vector<Value> globals;  // by name's number: what the caller gave, or else what every template knows
  Writer* out = nullptr;       // where statements write
  Value captured{};            // what the filter of a block filters

 private:
  std::size_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
  std::deque<std::unique_ptr<Frame>> kept_;
  std::vector<std::shared_ptr<Space>> spaces_;

 public:
  Machine(const Program& p, const Limits& l, const Context& c) : program(p), limits(l), context(c) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    // Namespaces may refer to one another: they are emptied first, each while the others are still held.
    for (const auto& space : spaces_) {
      const auto attributes = std::move(space->attributes);
      space->attributes.clear();
    }
  }

  [[noreturn, gnu::cold]] void fail(std::initializer_list<TextPart> why) const {
    raise<TemplateError>({"tfm: chat template, line ", line, ": ", joined(why)});
  }
  void step(std::size_t n = 1) {
    if ((steps_ += n) > limits.steps) fail({"takes more than ", limits.steps, " steps"});
  }
  /// Before so many bytes are made.
  void charge(std::size_t bytes) {
    step(bytes / 64);
    if (bytes > limits.bytes - bytes_) fail({"makes more than ", limits.bytes, " bytes"});
    bytes_ += bytes;
  }
  struct Deeper {
    Machine& machine;
    explicit Deeper(Machine& m) : machine(m) {
      if (++m.depth_ > m.limits.depth) m.too_deep();
    }
    ~Deeper() { --machine.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
  };
  [[noreturn, gnu::cold]] void too_deep() {
    --depth_;
    fail({"more than ", limits.depth, " calls within one another"});
  }

  /// A scope, as long as this lives; longer where a macro was made in it.
  class Scope {
    Machine& machine_;
    std::unique_ptr<Frame> frame_;

   public:
    Scope(Machine& m, Frame* parent) : machine_(m), frame_(std::make_unique<Frame>()) {
      m.charge(128);
      frame_->parent = parent;
    }
    ~Scope() {
      if (frame_->kept) machine_.kept_.push_back(std::move(frame_));
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    Frame* get() const { return frame_.get(); }
    Frame* operator->() const { return frame_.get(); }
  };
  static void keep(Frame* frame) {
    for (; frame != nullptr && !frame->kept; frame = frame->parent) frame->kept = true;
  }
  Value make_space(std::vector<std::pair<std::string, Value>> attributes) {
    auto space = std::make_shared<Space>();
    space->attributes = std::move(attributes);
    spaces_.push_back(space);
    charge(sizeof(Space));
    return Value(Kind::space, std::move(space));
  }

  Value list(std::vector<Value> items, Kind kind = Kind::list, Origin origin = by_template) {
    charge(items.size() * sizeof(Value) + sizeof(List));
    return make_list(std::move(items), origin, kind);
  }
  Value text(std::string bytes, Origin origin = by_template) {
    charge(bytes.size() + sizeof(Text));
    return Value::of(std::move(bytes), origin);
  }
};

/// The character at text[at], which moves behind it. A byte that belongs to none counts as one, of a code point that no
/// text has.
inline char32_t character_at(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return ++at, byte;
  if (utf8_character(text.substr(at)) > 0) return next_code_point(text, at);
  return ++at, 0xDC00u + byte;
}
inline void append_character(std::string& text, char32_t code) {
  if (code >= 0xDC80 && code < 0xDD00) text += static_cast<char>(code - 0xDC00);
  else append_utf8(text, code);
}
inline std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) character_at(text, at);
  return count;
}
inline std::size_t characters(const Text& text) {
  std::size_t count = text.characters.load(std::memory_order_relaxed);
  if (count == static_cast<std::size_t>(-1))
    text.characters.store(count = count_characters(text.bytes), std::memory_order_relaxed);
  return count;
}

/// Text that grows; stretches of one origin join.
class Writer {
  Machine& machine_;
  std::string bytes_;
  std::vector<Run> runs_;

 public:
  explicit Writer(Machine& machine) : machine_(machine) {}
  std::size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }

  void add(std::string_view text, Origin origin) {
    if (text.empty()) return;
    machine_.charge(text.size());
    bytes_ += text;
    mark(origin);
  }
  void add(char32_t code, Origin origin) {
    append_character(bytes_, code);
    machine_.charge(4);
    mark(origin);
  }
  void add(const Text& text) { add(text, 0, text.bytes.size()); }
  /// Bytes [from, to) of a text.
  void add(const Text& text, std::size_t from, std::size_t to) {
    const std::string_view bytes = text.bytes;
    if (text.runs.empty()) return add(bytes.substr(from, to - from), text.origin);
    auto run = std::upper_bound(text.runs.begin(), text.runs.end(), from,
                                [](std::size_t at, const Run& r) { return at < r.end; });
    for (; from < to; ++run) {
      const std::size_t end = std::min(to, run->end);
      add(bytes.substr(from, end - from), run->origin);
      from = end;
    }
  }
  /// Everything so far is a model's words.
  void mark_generation() {
    for (Run& run : runs_) run.origin |= in_generation;
  }
  Value take(bool markup = false) {
    auto text = std::make_shared<Text>();
    machine_.charge(sizeof(Text));
    if (runs_.size() == 1) text->origin = runs_[0].origin;
    else text->runs = std::move(runs_);
    text->bytes = std::move(bytes_);
    text->markup = markup;
    bytes_.clear(), runs_.clear();
    return Value(Kind::text, std::move(text));
  }
  Rendered rendered() { return {std::move(bytes_), std::move(runs_)}; }

 private:
  void mark(Origin origin) {
    if (!runs_.empty() && runs_.back().origin == origin) runs_.back().end = bytes_.size();
    else runs_.push_back({bytes_.size(), origin});
  }
};

/// Bytes [from, to) of a text, as a text.
inline Value part(Machine& m, const Value& whole, std::size_t from, std::size_t to) {
  const Text& text = whole.text();
  if (from == 0 && to == text.bytes.size()) return whole;
  Writer writer(m);
  writer.add(text, from, to);
  return writer.take(text.markup);
}
/// Who wrote the character that begins at this byte.
inline Origin origin_at(const Text& text, std::size_t at) {
  if (text.runs.empty()) return text.origin;
  const auto run = std::upper_bound(text.runs.begin(), text.runs.end(), at,
                                    [](std::size_t place, const Run& r) { return place < r.end; });
  return run == text.runs.end() ? by_template : run->origin;
}
/// Where the character of this number begins.
inline std::size_t byte_of(const Text& text, std::size_t character) {
  if (characters(text) == text.bytes.size()) return character;
  std::size_t at = 0;
  for (std::size_t i = 0; i < character; ++i) character_at(text.bytes, at);
  return at;
}

}  // namespace tfm::inline TFM_ABI::jinja
