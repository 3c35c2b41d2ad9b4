// What alpaca_prompt.hpp declares.
#include <algorithm>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::vector<TextSegment> AlpacaPrompt::segments(const AlpacaRecord& record) const {
  constexpr std::string_view instruction = "{instruction}", input = "{input}";
  std::vector<TextSegment> parts;
  for (std::string_view rest = record.input.empty() ? prompt_no_input : prompt_input; !rest.empty();) {
    const std::size_t at = std::min({rest.find(instruction), rest.find(input), rest.size()});
    if (at > 0) parts.emplace_back(TemplateText{rest.substr(0, at)});
    rest.remove_prefix(at);
    if (rest.empty()) break;
    const bool is_input = rest.starts_with(input);
    parts.emplace_back(UserText{is_input ? record.input : record.instruction});
    rest.remove_prefix(is_input ? input.size() : instruction.size());
  }
  return parts;
}

TFM_INLINE std::string AlpacaPrompt::operator()(const AlpacaRecord& record) const {
  std::string prompt;
  for (const TextSegment& part : segments(record)) prompt += part.text;
  return prompt;
}

TFM_INLINE std::string AlpacaPrompt::response(std::string_view text) const {
  const std::size_t at = response_split.empty() ? text.npos : text.find(response_split);
  if (at == text.npos) {
    raise<TemplateError>({"tfm: Alpaca prompt: found no \"", response_split, "\" in a text of ", text.size(),
                          " bytes, expected it before the answer"});
  }
  text.remove_prefix(at + response_split.size());
  text = text.substr(0, text.find(response_split));
  constexpr std::string_view blank = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == text.npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blank) - first + 1));
}

}  // namespace tfm::inline TFM_ABI
