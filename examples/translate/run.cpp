// translate run: the lines of standard input, translated.
#include <nlohmann/json.hpp>

#include "notes.hpp"
#include "support/line_reader.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/text/white_space.hpp"
#include "translator.hpp"

namespace cli {

namespace {

std::string as_json(const std::string& source, const std::vector<Translation>& translations) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Translation& t : translations)
    all.push_back({{"text", t.text}, {"score", t.score}, {"log_probability", t.log_probability}, {"ended", t.ended}});
  return nlohmann::ordered_json{{"source", source}, {"translations", all}}.dump() + "\n";
}

/// One sentence's lines.
std::string as_lines(const std::vector<Translation>& translations, Index line, bool several) {
  if (!several) return (translations.empty() ? "" : translations[0].text) + "\n";
  std::string out;
  for (const Translation& t : translations)
    out += std::to_string(line) + "\t" + tfm::number_text(t.score) + "\t" + t.text + "\n";
  return out;
}

}  // namespace

int run(const RunArguments& arguments) {
  Translator translator(arguments.search);
  const bool several = arguments.search.n_best > 1;
  Index number = 0, invalid = 0, first_invalid = 0, read = 0;
  LineReader reader;
  for (std::vector<std::string> lines; !(lines = reader.read()).empty();) {
    std::vector<std::string> sentences;
    std::vector<bool> has_sentence;
    for (const std::string& line : lines) {
      const bool valid = tfm::is_utf8(line);
      ++read;
      if (!valid && invalid++ == 0) first_invalid = read;
      has_sentence.push_back(valid && !tfm::trimmed(line).empty());
      if (has_sentence.back()) sentences.push_back(tfm::normalised_sentence(tfm::trimmed(line)));
    }
    const auto translations = translator.translate(sentences, several || arguments.json);
    std::size_t next = 0;
    for (const bool has : has_sentence) {
      ++number;
      const std::vector<Translation> found = has ? translations[next] : std::vector<Translation>{};
      const std::string source = has ? sentences[next] : "";
      next += has ? 1 : 0;
      if (!print(arguments.json ? as_json(source, found) : as_lines(found, number, several))) return failure;
    }
  }
  if (invalid > 0)
    tell_note("lines that are not UTF-8, and became empty ones: " + std::to_string(invalid) + " (the first is line " + std::to_string(first_invalid) +
              "); iconv -f WINDOWS-1252 -t UTF-8 makes UTF-8 of what Windows calls ANSI");
  tell_cut(translator.cut());
  return success;
}

}  // namespace cli
