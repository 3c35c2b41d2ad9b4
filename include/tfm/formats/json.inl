// What json.hpp declares.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tfm/core/git_lfs.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/formats/python_numbers.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

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

TFM_INLINE Index Json::in_range(std::int64_t value, Index least, Index most) const {
  if (value < least) refuse({"found ", value, ", expected at least ", least});
  if (value > most) refuse({"found ", value, ", expected at most ", most});
  return static_cast<Index>(value);
}
TFM_INLINE void Json::refuse_kind(JsonKind expected) const { refuse({"found ", found(), ", expected ", name(expected)}); }

TFM_INLINE std::string Json::path() const {
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
TFM_INLINE std::string Json::found() const {
  switch (kind()) {
    case JsonKind::boolean: return node().bits != 0 ? "true" : "false";
    case JsonKind::integer: return joined({"the integer ", std::bit_cast<std::int64_t>(node().bits)});
    case JsonKind::number:
      if (is_none()) return std::isnan(float_bits()) ? "NaN" : float_bits() > 0 ? "Infinity" : "-Infinity";
      return joined({"the number ", number_text(float_bits())});
    case JsonKind::text: return joined({"the string ", in_quotes(text_of(node()))});
    default: return std::string(name(kind()));
  }
}
TFM_INLINE void Json::refuse(std::initializer_list<TextPart> what) const {
  const std::string where = path();
  detail::fail(tape_->file, {where.empty() ? "the JSON's root" : in_quotes(where), ": ", joined(what)});
}
TFM_INLINE void Json::refuse(std::string_view what) const { refuse(std::initializer_list<TextPart>{what}); }

TFM_INLINE Index Json::integer(Index least, Index most) const {
  want(JsonKind::integer);
  return in_range(std::bit_cast<std::int64_t>(node().bits), least, most);
}
TFM_INLINE Index Json::whole(Index least, Index most) const {
  constexpr double exact = 9007199254740992;  // 2^53, up to which doubles are every integer
  if (!is(JsonKind::number) || !(std::abs(float_bits()) <= exact) || float_bits() != std::trunc(float_bits())) return integer(least, most);
  return in_range(static_cast<std::int64_t>(float_bits()), least, most);
}
TFM_INLINE double Json::number() const {
  if (is(JsonKind::integer)) return static_cast<double>(std::bit_cast<std::int64_t>(node().bits));
  want(JsonKind::number);
  if (is_none()) refuse({"found ", found(), ", expected a finite number"});
  return float_bits();
}
TFM_INLINE bool Json::is_none() const noexcept {
  return is(JsonKind::null) || (is(JsonKind::number) && !std::isfinite(float_bits()));
}

TFM_INLINE std::optional<Json> Json::find(std::string_view key) const {
  for (const Json member : members())
    if (member.key() == key) return member;
  return std::nullopt;
}
TFM_INLINE std::optional<Json> Json::find_value(std::string_view key) const {
  const auto found = find(key);
  return found && !found->is(JsonKind::null) ? found : std::nullopt;
}
TFM_INLINE Json Json::at(std::string_view key) const {
  if (const auto found = find(key)) return *found;
  refuse({in_quotes(key), " is missing"});
}

TFM_INLINE JsonDocument::JsonDocument(std::string_view text, std::string file, JsonLimits limits) {
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
  nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder);
  tape_ = std::move(tape);
}

TFM_INLINE JsonDocument read_json(const std::filesystem::path& path, JsonLimits limits) {
  const auto file = MappedFile::open(path);
  return {text_of(file->bytes()), file->name(), limits};
}

}  // namespace tfm::inline TFM_ABI
