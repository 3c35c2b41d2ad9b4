#pragma once
// JSON: a document read from a file or a text, and cursors into it whose errors name file, key, found and expected.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/formats/python_numbers.hpp"

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

/// Hears nlohmann's parser, which neither recurses nor throws in this use, and writes the tape.
class JsonBuilder {
  JsonTape& tape_;
  JsonLimits limits_;
  const PythonJson* python_;  // null where its words are no values
  std::vector<std::uint32_t> open_;
  std::uint32_t key_ = 0, key_size_ = 0;
  std::vector<std::uint32_t> members_;  // of the object that is being closed

  std::uint32_t keep(const std::string& text) {
    const auto at = static_cast<std::uint32_t>(tape_.text.size());
    tape_.text += text;
    return at;
  }
  bool add(JsonKind kind, std::uint64_t bits) {
    if (static_cast<Index>(tape_.nodes.size()) >= limits_.values)
      fail(tape_.file, {"the JSON holds more than ", limits_.values, " values"});
    if (!open_.empty()) ++tape_.nodes[open_.back()].bits;
    const auto end = static_cast<std::uint32_t>(tape_.nodes.size() + 1);
    tape_.nodes.push_back({key_, key_size_, end, kind, bits});
    key_ = key_size_ = 0;
    return true;
  }
  bool open(JsonKind kind) {
    if (static_cast<Index>(open_.size()) >= limits_.depth)
      fail(tape_.file, {"the JSON is nested deeper than ", limits_.depth, " arrays and objects"});
    add(kind, 0);
    open_.push_back(static_cast<std::uint32_t>(tape_.nodes.size() - 1));
    return true;
  }
  bool close() {
    tape_.nodes[open_.back()].end = static_cast<std::uint32_t>(tape_.nodes.size());
    open_.pop_back();
    return true;
  }
  void refuse_key_twice(std::uint32_t object) {
    members_.clear();
    members_.reserve(static_cast<std::size_t>(tape_.nodes[object].bits));
    for (std::uint32_t i = object + 1; i < tape_.nodes[object].end; i = tape_.nodes[i].end) members_.push_back(i);
    const auto key = [&](std::uint32_t i) { return tape_.key(tape_.nodes[i]); };
    std::sort(members_.begin(), members_.end(), [&](auto a, auto b) { return key(a) < key(b); });
    const auto twice =
        std::adjacent_find(members_.begin(), members_.end(), [&](auto a, auto b) { return key(a) == key(b); });
    if (twice != members_.end())
      fail(tape_.file, {"the JSON has the key ", in_quotes(key(*twice)), " twice in one object"});
  }

 public:
  JsonBuilder(JsonTape& tape, JsonLimits limits, const PythonJson* python) : tape_(tape), limits_(limits), python_(python) {}

  bool null() { return add(JsonKind::null, 0); }
  bool boolean(bool value) { return add(JsonKind::boolean, value ? 1 : 0); }
  bool number_integer(std::int64_t value) { return add(JsonKind::integer, std::bit_cast<std::uint64_t>(value)); }
  bool number_unsigned(std::uint64_t value) {
    return value <= INT64_MAX ? add(JsonKind::integer, value) : number_float(static_cast<double>(value), {});
  }
  bool number_float(double value, const std::string& spelling) {
    if (python_ != nullptr) value = PythonJson::value_of(spelling, value);
    return add(JsonKind::number, std::bit_cast<std::uint64_t>(value));
  }
  bool string(const std::string& value) {
    const std::uint32_t at = keep(value);
    return add(JsonKind::text, std::uint64_t{at} << 32 | value.size());
  }
  bool binary(const std::vector<std::uint8_t>&) { return false; }  // JSON has none
  bool start_object(std::size_t) { return open(JsonKind::object); }
  bool start_array(std::size_t) { return open(JsonKind::array); }
  bool end_array() { return close(); }
  bool end_object() {
    const std::uint32_t object = open_.back();
    close();
    refuse_key_twice(object);
    return true;
  }
  bool key(const std::string& value) {
    key_ = keep(value);
    key_size_ = static_cast<std::uint32_t>(value.size());
    return true;
  }
  template <class Failure>
  bool parse_error(std::size_t position, const std::string&, const Failure& failure) {
    std::string_view reason = failure.what();
    reason.remove_prefix(std::min(reason.size(), reason.find("] ") + 2));  // the parser's own error number
    if (python_ != nullptr) position = python_->given_place(position);
    fail(tape_.file, {"not valid JSON at byte ", position, ": ", printable(reason, 200)});
  }
};

/// The bytes of the longest string or number of a JSON text.
constexpr Index longest_json_token(std::string_view text) noexcept {
  constexpr std::string_view between = ",:[]{} \t\r\n";
  Index longest = 0, length = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!in_string && between.find(text[i]) != std::string_view::npos) length = 0;
    else longest = std::max(longest, ++length);
    if (text[i] == '"') in_string = !in_string;
    else if (in_string && text[i] == '\\') ++i, ++length;
  }
  return longest;
}

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
  std::string non_finite_text() const { return std::isnan(float_bits()) ? "NaN" : float_bits() > 0 ? "Infinity" : "-Infinity"; }
  Index in_range(std::int64_t value, Index least, Index most) const {
    if (value < least) refuse({"found ", value, ", expected at least ", least});
    if (value > most) refuse({"found ", value, ", expected at most ", most});
    return static_cast<Index>(value);
  }
  [[noreturn, gnu::cold, gnu::noinline]] void refuse_kind(JsonKind expected) const { refuse({"found ", found(), ", expected ", name(expected)}); }

 public:
  Json(const detail::JsonTape& tape, std::uint32_t at) noexcept : tape_(&tape), at_(at) {}

  JsonKind kind() const noexcept { return node().kind; }
  bool is(JsonKind kind) const noexcept { return node().kind == kind; }
  /// The name of this value in its object; empty in an array and at the root.
  std::string_view key() const noexcept { return tape_->key(node()); }
  const std::string& file() const noexcept { return tape_->file; }

  /// Where it is in the document, for messages: "model.merges[12]".
  [[gnu::cold]] std::string path() const {
    std::string out;
    for (std::uint32_t i = 0; i != at_;) {
      const bool in_array = tape_->nodes[i].kind == JsonKind::array;
      std::size_t place = 0;
      for (++i; tape_->nodes[i].end <= at_; i = tape_->nodes[i].end) ++place;
      if (in_array) out += joined({"[", place, "]"});
      else out.append(out.empty() ? "" : ".").append(tape_->key(tape_->nodes[i]));
    }
    return out;
  }
  /// What it is, for messages: "the string 'x'", "the integer 3", "an array".
  [[gnu::cold, gnu::noinline]] std::string found() const {
    switch (kind()) {
      case JsonKind::boolean: return node().bits != 0 ? "true" : "false";
      case JsonKind::integer: return joined({"the integer ", std::bit_cast<std::int64_t>(node().bits)});
      case JsonKind::number: return is_none() ? non_finite_text() : joined({"the number ", number_text(std::bit_cast<double>(node().bits))});
      case JsonKind::text: return joined({"the string ", in_quotes(text_of(node()))});
      default: return std::string(name(kind()));
    }
  }
  /// Throws LoadError with the file, the place of this value and `what`.
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::initializer_list<TextPart> what) const {
    const std::string where = path();
    detail::fail(tape_->file, {where.empty() ? "the JSON's root" : in_quotes(where), ": ", joined(what)});
  }
  [[noreturn]] void refuse(std::string_view what) const { refuse(std::initializer_list<TextPart>{what}); }

  bool boolean() const { return want(JsonKind::boolean), node().bits != 0; }
  std::string_view text() const { return want(JsonKind::text), text_of(node()); }
  /// An integer from `least` to `most`; 3.0 is none.
  Index integer(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const {
    want(JsonKind::integer);
    return in_range(std::bit_cast<std::int64_t>(node().bits), least, most);
  }
  /// The same of 3.0 too, as programs write it that know no other numbers.
  Index whole(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const {
    constexpr double exact = 9007199254740992;  // 2^53, up to which doubles are every integer
    if (!is(JsonKind::number) || !(std::abs(float_bits()) <= exact) || float_bits() != std::trunc(float_bits())) return integer(least, most);
    return in_range(static_cast<std::int64_t>(float_bits()), least, most);
  }
  /// A finite number, an integer included.
  double number() const {
    if (is(JsonKind::integer)) return static_cast<double>(std::bit_cast<std::int64_t>(node().bits));
    want(JsonKind::number);
    if (is_none()) refuse({"found ", found(), ", expected a finite number"});
    return float_bits();
  }
  /// Null, NaN or an infinity: how programs in Python write that there is no number.
  bool is_none() const noexcept { return is(JsonKind::null) || (is(JsonKind::number) && !std::isfinite(float_bits())); }

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
  std::optional<Json> find(std::string_view key) const {
    for (const Json member : members())
      if (member.key() == key) return member;
    return std::nullopt;
  }
  /// The same, where null means absent, as it does in most configurations.
  std::optional<Json> find_value(std::string_view key) const {
    const auto found = find(key);
    return found && !found->is(JsonKind::null) ? found : std::nullopt;
  }
  /// The member called `key`; LoadError where it is missing.
  Json at(std::string_view key) const {
    if (const auto found = find(key)) return *found;
    refuse({in_quotes(key), " is missing"});
  }

 private:
  Items items() const noexcept { return {tape_, at_ + 1, node().end}; }
};

/// Owns what its cursors read. Strings are decoded; the order of keys is kept.
class JsonDocument {
  std::unique_ptr<const detail::JsonTape> tape_;

 public:
  /// `text` is read once and not kept; `file` is its name in messages. Throws LoadError where it is not one JSON value
  /// of valid UTF-8, or has a key twice in one object, or exceeds the limits.
  JsonDocument(std::string_view text, std::string file, JsonLimits limits = {}) {
    auto tape = std::make_unique<detail::JsonTape>();
    tape->file = std::move(file);
    if (text.size() >= std::size_t{1} << 31) detail::fail(tape->file, "JSON of more than 2 GiB");
    if (is_lfs_pointer(text)) detail::fail(tape->file, lfs_pointer_text(text));
    // The parser takes a zero byte for the end of the text.
    if (const auto zero = text.find('\0'); zero != std::string_view::npos)
      detail::fail(tape->file, {"not valid JSON at byte ", zero, ": a zero byte"});
    if (detail::longest_json_token(text) > limits.token)
      detail::fail(tape->file, {"the JSON holds a string or number of more than ", limits.token, " bytes"});
    tape->text.reserve(text.size());  // decoding shortens; what is not touched costs no memory
    const detail::PythonJson python(limits.non_finite ? text : std::string_view());
    if (limits.non_finite) text = python.text();
    detail::JsonBuilder builder(*tape, limits, limits.non_finite ? &python : nullptr);
    // As json::sax_parse does for JSON, without its readers of binary formats, which cost seconds to compile.
    auto characters = nlohmann::detail::input_adapter(text.data(), text.data() + text.size());
    nlohmann::detail::parser<nlohmann::json, decltype(characters)>(std::move(characters)).sax_parse(&builder);
    tape_ = std::move(tape);
  }

  Json root() const noexcept { return {*tape_, 0}; }
};

/// A JSON file; see JsonDocument.
inline JsonDocument read_json(const std::filesystem::path& path, JsonLimits limits = {}) {
  const auto file = MappedFile::open(path);
  return {text_of(file->bytes()), file->name(), limits};
}

}  // namespace tfm::inline TFM_ABI
