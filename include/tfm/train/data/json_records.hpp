#pragma once
// Files of records: a JSON array of objects, or objects one behind the other, as JSON lines or each over several lines.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/text/encoding.hpp"

namespace tfm::inline TFM_ABI {

/// What is known of records before they are read.
struct JsonRecords {
  std::vector<std::string_view> members;  ///< an object alone in its file that has none of them is no record
  std::string_view expected;              ///< of a record, for messages: "'instruction' and 'output'"
  JsonLimits limits{};                    ///< of the array, or of each object by itself
};

namespace detail {

/// Where the JSON value that a text begins with ends: behind the bracket that closes its first one. The text's size
/// where that is missing.
inline std::size_t json_value_end(std::string_view text) noexcept {
  Index depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"' || c == '\n') in_string = false;  // no string goes over a line: the next one is read for itself
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return i + 1;
    }
  }
  return text.size();
}

inline constexpr std::string_view json_blank = " \t\r\n";

/// A file's one object, where that is no record. Which of its members the records are, if any, is not guessed.
[[noreturn]] inline void refuse_json_object(const Json& object, std::string_view expected) {
  std::string arrays;
  Index count = 0;
  for (const Json member : object.members())
    if (member.is(JsonKind::array) && ++count <= 6) arrays += (arrays.empty() ? "" : ", ") + in_quotes(member.key());
  fail(object.file(),
       {"found an object, expected an array of records, or records with ", expected, " one behind the other",
        count == 0 ? ""
                   : "; its member" + std::string(count == 1 ? " " : "s ") + arrays +
                         (count == 1 ? " is an array: save that alone" : " are arrays: save one alone")});
}

inline bool has_any(const Json& object, const std::vector<std::string_view>& members) {
  return std::any_of(members.begin(), members.end(),
                     [&](std::string_view member) { return object.find(member).has_value(); });
}

}  // namespace detail

/// Calls on_record(Json, Index) for each record of a text and its number, from 1. `file` is its name in messages.
/// Errors: LoadError with the file, and the line of an object; for a text without records, or that is not UTF-8; and
/// what on_record throws.
template <class OnRecord>
void for_each_json_record(std::string_view text, const std::string& file, const JsonRecords& kind,
                          OnRecord&& on_record) {
  text = utf8_text(text, file);
  Index number = 0;
  if (const std::size_t begin = text.find_first_not_of(detail::json_blank); begin == text.npos || text[begin] != '{') {
    const JsonDocument document(text, file, kind.limits);
    if (!document.root().is(JsonKind::array))
      detail::fail(file, "found " + document.root().found() + ", expected an array of records, or a record a line");
    for (const Json record : document.root().elements()) on_record(record, ++number);
    if (number == 0) detail::fail(file, "found no record, expected at least one");
    return;
  }
  Index line = 1;
  const auto pass = [&](std::size_t bytes) {
    line += std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bytes), '\n');
    text.remove_prefix(bytes);
  };
  for (;;) {
    pass(std::min(text.find_first_not_of(detail::json_blank), text.size()));
    if (text.empty()) return;
    const std::size_t end = text[0] == '{' ? detail::json_value_end(text) : std::min(text.find('\n'), text.size());
    const bool alone = number == 0 && text.find_first_not_of(detail::json_blank, end) == text.npos;
    const JsonDocument document(text.substr(0, end),
                                line == 1 && alone ? file : file + ": line " + std::to_string(line), kind.limits);
    const Json root = document.root();
    if (alone && root.is(JsonKind::object) && !detail::has_any(root, kind.members))
      detail::refuse_json_object(root, kind.expected);
    on_record(root, ++number);
    pass(end);
  }
}

/// The names of the first record's members; none where the text does not begin with a record. For telling apart what a
/// file may be.
inline std::vector<std::string> first_json_record(std::string_view text) {
  text = without_byte_order_mark(text);
  std::size_t begin = text.find_first_not_of(detail::json_blank);
  if (begin != text.npos && text[begin] == '[') begin = text.find_first_not_of(detail::json_blank, begin + 1);
  std::vector<std::string> names;
  if (begin == text.npos || text[begin] != '{') return names;
  text.remove_prefix(begin);
  try {
    const JsonDocument document(text.substr(0, detail::json_value_end(text)), "record 1");
    for (const Json member : document.root().members()) names.emplace_back(member.key());
  } catch (const LoadError&) {  // whoever reads the file tells it
    names.clear();
  }
  return names;
}

}  // namespace tfm::inline TFM_ABI
