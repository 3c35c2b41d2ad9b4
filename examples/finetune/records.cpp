#include "records.hpp"

#include "tfm/formats/mapped_file.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace cli {

std::string Records::json(std::span<const Index> which) const {
  if (which.empty()) return "";
  const auto chosen = [&](const auto& all) {
    std::vector<std::remove_cvref_t<decltype(all[0])>> out;
    for (const Index i : which) out.push_back(all[tfm::to_size(i)]);
    return out;
  };
  return talks ? tfm::conversations_json(chosen(talks->records)) : tfm::alpaca_json(chosen(alpaca));
}

Records read_records(const std::filesystem::path& file, std::optional<RecordKind> kind) {
  const auto mapped = tfm::MappedFile::open(file);
  const std::string_view text = tfm::text_of(mapped->bytes());
  if (!kind) kind = tfm::holds_conversations(text) ? RecordKind::chat : RecordKind::alpaca;
  if (*kind == RecordKind::chat) return {{}, tfm::parse_conversations(text, mapped->name())};
  return {tfm::parse_alpaca(text, mapped->name()), std::nullopt};
}

TalkSamples talk_samples(tfm::Conversations& talks, const Base& base, Index cutoff, const std::filesystem::path& file) {
  const tfm::ConversationFormat format(*base.chat_template, base.loaded.tokenizer, base.loaded.stop_tokens);
  TalkSamples out;
  std::vector<tfm::ConversationRecord> records;
  std::vector<Index> numbers;
  for (std::size_t i = 0; i < talks.records.size(); ++i) {
    try {
      tfm::ConversationSample made = tfm::conversation_sample(base.loaded.tokenizer, format, talks.records[i], cutoff);
      out.samples.push_back(std::move(made.sample));
      out.cut.push_back(made.cut);
      out.unstopped.push_back(made.unstopped);
      records.push_back(std::move(talks.records[i]));
      numbers.push_back(talks.number[i]);
    } catch (const tfm::TemplateError& error) {
      talks.note(tfm::ConversationFault::refused, talks.number[i], error.what());
    }
  }
  talks.records = std::move(records), talks.number = std::move(numbers);
  if (!out.samples.empty()) return out;
  std::string why;
  for (const std::string& line : talks.lines()) why += (why.empty() ? "" : "; ") + line;
  tfm::raise(tfm::LoadError("tfm: " + file.string() + ": there is no conversation to learn from: " + why));
}

}  // namespace cli
