#pragma once
// JSON: a document read from a file or a text, and cursors into it whose errors name file, key, found and expected.
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// What a document may be. The defaults keep its memory under twice the text and 64 MiB, whatever the text holds.
struct JsonLimits {
  Index depth = 256;         ///< arrays and objects inside each other
  Index values = 2'000'000;  ///< values in all, at 24 bytes each
  Index token = 8 * MiB;     ///< bytes of one string or number, of which the parser holds several copies
  bool non_finite = false;   ///< NaN, Infinity and -Infinity are values, as Python writes and reads them; none is a finite number
};
/// For configurations, which Python writes.
inline constexpr JsonLimits python_json{.non_finite = true};

enum class JsonKind : unsigned char { null, boolean, integer, number, text, array, object };

/// "a number" and the like.
constexpr std::string_view name(JsonKind kind) noexcept {
  constexpr std::array<std::string_view, 7> names{"null",     "a boolean", "an integer", "a number",
                                                  "a string", "an array",  "an object"};
  return names[static_cast<std::size_t>(kind)];
}

namespace detail {

/// The values of a document one behind the other: a container's members follow it, and `end` is what comes after them.
/// No node owns another, so no document is too deep to be destroyed.
struct JsonTape {
  struct Node {
    std::uint32_t key, key_size;  // in `text`; the values of an array have no key
    std::uint32_t end;            // the first node that is not inside this one
    JsonKind kind;
    std::uint64_t bits;  // the boolean, integer or double; a string's place and size; a container's count
  };
  std::string file, text;
  std::deque<Node> nodes;

  std::string_view key(const Node& node) const noexcept {
    return std::string_view(text).substr(node.key, node.key_size);
  }
};

}  // namespace detail

/// A value in a document, which must outlive it; as cheap to copy as a pointer.
class Json {
  using Node = detail::JsonTape::Node;
  const detail::JsonTape* tape_;
  std::uint32_t at_;

  const Node& node() const noexcept { return tape_->nodes[at_]; }
  std::string_view text_of(const Node& n) const noexcept {
    return std::string_view(tape_->text)
        .substr(static_cast<std::size_t>(n.bits >> 32), static_cast<std::size_t>(n.bits & 0xffffffffu));
  }
  void want(JsonKind kind) const {
    if (node().kind != kind) refuse_kind(kind);
  }
  double float_bits() const noexcept { return std::bit_cast<double>(node().bits); }
  Index in_range(std::int64_t value, Index least, Index most) const;
  [[noreturn, gnu::cold]] void refuse_kind(JsonKind expected) const;

 public:
  Json(const detail::JsonTape& tape, std::uint32_t at) noexcept : tape_(&tape), at_(at) {}

  JsonKind kind() const noexcept { return node().kind; }
  bool is(JsonKind kind) const noexcept { return node().kind == kind; }
  /// The name of this value in its object; empty in an array and at the root.
  std::string_view key() const noexcept { return tape_->key(node()); }
  const std::string& file() const noexcept { return tape_->file; }

  /// Where it is in the document, for messages: "model.merges[12]".
  [[gnu::cold]] std::string path() const;
  /// What it is, for messages: "the string 'x'", "the integer 3", "an array".
  [[gnu::cold]] std::string found() const;
  /// Throws LoadError with the file, the place of this value and `what`.
  [[noreturn, gnu::cold]] void refuse(std::initializer_list<TextPart> what) const;
  [[noreturn, gnu::cold]] void refuse(std::string_view what) const;

  bool boolean() const { return want(JsonKind::boolean), node().bits != 0; }
  std::string_view text() const { return want(JsonKind::text), text_of(node()); }
  /// An integer from `least` to `most`; 3.0 is none.
  Index integer(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const;
  /// The same of 3.0 too, as programs write it that know no other numbers.
  Index whole(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const;
  /// A finite number, an integer included.
  double number() const;
  /// Null, NaN or an infinity: how programs in Python write that there is no number.
  bool is_none() const noexcept;

  /// The values in an array or object, in the document's order: `for (const Json item : value.elements())`.
  class Items {
    const detail::JsonTape* tape_;
    std::uint32_t first_, end_;

   public:
    class Iterator {
      const detail::JsonTape* tape_;
      std::uint32_t at_;

     public:
      Iterator(const detail::JsonTape* tape, std::uint32_t at) noexcept : tape_(tape), at_(at) {}
      Json operator*() const noexcept { return {*tape_, at_}; }
      Iterator& operator++() noexcept { return at_ = tape_->nodes[at_].end, *this; }
      bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }
    };
    Items(const detail::JsonTape* tape, std::uint32_t first, std::uint32_t end) noexcept
        : tape_(tape), first_(first), end_(end) {}
    Iterator begin() const noexcept { return {tape_, first_}; }
    Iterator end() const noexcept { return {tape_, end_}; }
  };
  Items elements() const { return want(JsonKind::array), items(); }
  Items members() const { return want(JsonKind::object), items(); }
  /// How many values an array or object has.
  Index size() const {
    if (!is(JsonKind::object)) want(JsonKind::array);
    return static_cast<Index>(node().bits);
  }

  /// The member called `key`, if there is one; takes as long as the object is large.
  std::optional<Json> find(std::string_view key) const;
  /// The same, where null means absent, as it does in most configurations.
  std::optional<Json> find_value(std::string_view key) const;
  /// The member called `key`; LoadError where it is missing.
  Json at(std::string_view key) const;

 private:
  Items items() const noexcept { return {tape_, at_ + 1, node().end}; }
};

/// Owns what its cursors read. Strings are decoded; the order of keys is kept.
class JsonDocument {
  std::unique_ptr<const detail::JsonTape> tape_;

 public:
  /// `text` is read once and not kept; `file` is its name in messages. Throws LoadError where it is not one JSON value
  /// of valid UTF-8, or has a key twice in one object, or exceeds the limits.
  JsonDocument(std::string_view text, std::string file, JsonLimits limits = {});

  Json root() const noexcept { return {*tape_, 0}; }
};

/// A JSON file; see JsonDocument.
JsonDocument read_json(const std::filesystem::path& path, JsonLimits limits = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/json.inl"
#endif
