#pragma once
// Alpaca's files: records of instruction, input and output as JSON or JSON lines, and Alpaca-LoRA's prompt templates.
#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/text/alpaca_prompt.hpp"
#include "tfm/train/data/json_records.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A field of record `number`, counted from 1. Without `required`, what is absent or null is empty.
inline std::string alpaca_field(const Json& record, Index number, std::string_view field, bool required) {
  const auto found = required ? record.find(field) : record.find_value(field);
  const std::string where = "record " + std::to_string(number) + ": " + in_quotes(field);
  if (!found && required) fail(record.file(), where + " is missing, expected a string");
  if (!found) return {};
  if (!found->is(JsonKind::text)) fail(record.file(), where + ": found " + found->found() + ", expected a string");
  return std::string(found->text());
}

inline AlpacaRecord alpaca_record(const Json& record, Index number) {
  if (!record.is(JsonKind::object))
    fail(record.file(), "record " + std::to_string(number) + ": found " + record.found() +
                            ", expected an object with 'instruction', 'input' and 'output'");
  return {alpaca_field(record, number, "instruction", true), alpaca_field(record, number, "input", false),
          alpaca_field(record, number, "output", true)};
}

}  // namespace detail

/// The records of a text: a JSON array of objects, or objects one behind the other (one a line, or each on several). A record has the strings "instruction" and "output" and may have "input"; other members are
/// not looked at. `file` is its name in messages. Errors: LoadError with the file, the record's number from 1, the field, found and
/// expected; for a text without records, or that is not UTF-8.
inline std::vector<AlpacaRecord> parse_alpaca(std::string_view text, const std::string& file) {
  std::vector<AlpacaRecord> records;
  for_each_json_record(text, file, {.members = {"instruction", "output"}, .expected = "'instruction' and 'output'"},
                       [&](const Json& record, Index number) { records.push_back(detail::alpaca_record(record, number)); });
  return records;
}
/// The same from a file.
inline std::vector<AlpacaRecord> read_alpaca(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return parse_alpaca(text_of(file->bytes()), file->name());
}

/// The records as Python's json.dump writes them by default: one array, in one line, in ASCII. LoadError for a text that is not UTF-8.
inline std::string alpaca_json(std::span<const AlpacaRecord> records) {
  JsonWriter json(JsonCharacters::ascii);
  json.begin_array();
  for (const AlpacaRecord& record : records)
    json.begin_object().member("instruction", record.instruction).member("input", record.input).member("output", record.output).end();
  return json.end().text();
}

/// A prompt from one of Alpaca-LoRA's template files: prompt_input, prompt_no_input and response_split. LoadError for a file without
/// one of them, or whose prompts have no place for the instruction, or the one with an input none for that.
inline AlpacaPrompt read_alpaca_prompt(const std::filesystem::path& path) {
  const JsonDocument document = read_json(path);
  const auto text = [&](std::string_view key, std::initializer_list<std::string_view> places) {
    const Json value = document.root().at(key);
    for (const std::string_view place : places)
      if (value.text().find(place) == std::string_view::npos)
        value.refuse("found " + value.found() + ", expected the place " + std::string(place) + " in it");
    return std::string(value.text());
  };
  AlpacaPrompt prompt{text("prompt_input", {"{instruction}", "{input}"}), text("prompt_no_input", {"{instruction}"}),
                      text("response_split", {})};
  if (prompt.response_split.empty()) document.root().at("response_split").refuse("found an empty text, expected what stands before the answer");
  return prompt;
}

/// How often each output occurs, the commonest first; of equally common ones the one that comes first in the records.
inline std::vector<std::pair<std::string, Index>> output_counts(std::span<const AlpacaRecord> records) {
  std::vector<std::pair<std::string, Index>> counts;
  std::unordered_map<std::string_view, std::size_t> place;
  for (const AlpacaRecord& record : records) {
    const auto [at, is_new] = place.try_emplace(record.output, counts.size());
    if (is_new) counts.emplace_back(record.output, 0);
    ++counts[at->second].second;
  }
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return counts;
}

}  // namespace tfm::inline TFM_ABI
