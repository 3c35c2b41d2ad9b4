#include "questions.hpp"

#include <algorithm>

#include "support/notes.hpp"
#include "tfm/text/utf8.hpp"
#include "tfm/train/data/alpaca_samples.hpp"

namespace cli {

using tfm::AlpacaRecord, tfm::Index;

namespace {

using Tokens = std::vector<tfm::Token>;

/// The ids of a prompt and an output as training has them, but without EOS, and whole.
Tokens ids_of(const Base& base, AlpacaRecord record, const std::string& output) {
  record.output = output;
  Tokens ids = tfm::alpaca_sample(base.loaded.tokenizer, base.prompt.prompt, record, {.cutoff = Index{1} << 40}).ids;
  ids.pop_back();
  return ids;
}

bool begins(const Tokens& whole, const Tokens& part) {
  return part.size() < whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

Question question_of(const Base& base, const AlpacaRecord& record, const std::vector<std::string>& labels) {
  Question question{base.prompt_ids(record), {}};
  for (const std::string& label : labels) question.answers.push_back(ids_of(base, record, label));
  std::vector<std::size_t> goes_on;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (std::any_of(question.answers.begin(), question.answers.end(), [&](const Tokens& other) { return begins(other, question.answers[i]); }))
      goes_on.push_back(i);
  for (const std::size_t i : goes_on) question.answers[i].push_back(*base.loaded.tokenizer.eos());
  return question;
}

/// Tokens of the longest answer and EOS, behind the prompt.
Index answer_tokens(const Question& question) {
  std::size_t longest = question.prompt.size();
  for (const Tokens& answer : question.answers) longest = std::max(longest, answer.size());
  return static_cast<Index>(longest - question.prompt.size()) + 1;
}

/// What a record asks about.
std::string& text_of(AlpacaRecord& record) { return record.input.empty() ? record.instruction : record.input; }

}  // namespace

std::optional<AlpacaRecord> cut_to(const Base& base, const AlpacaRecord& record, Index limit) {
  constexpr std::size_t bytes_of_a_token = 64;  // at most, as a rule: what is much longer need not be read again and again
  AlpacaRecord part = record;
  const std::string whole = text_of(part);
  std::vector<std::size_t> ends;  // of characters
  for (std::size_t at = 0; at < whole.size() && at < bytes_of_a_token * tfm::to_size(std::max<Index>(limit, 0));) {
    at += static_cast<std::size_t>(std::max(1, tfm::utf8_character(std::string_view(whole).substr(at))));
    ends.push_back(at);
  }
  std::string& text = text_of(part);
  const auto fits = [&](std::size_t end) {
    text = whole.substr(0, end);
    return std::ssize(base.prompt_ids(part)) <= limit;
  };
  const auto end = std::partition_point(ends.begin(), ends.end(), fits);
  if (end == ends.begin()) return std::nullopt;
  text = whole.substr(0, *std::prev(end));
  return part;
}

Questions questions_of(const Base& base, std::span<const AlpacaRecord> records, const std::vector<std::string>& labels, Index limit) {
  Questions questions;
  Index longest = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::optional<Question> question = question_of(base, records[i], labels);
    const auto size = [&] { return static_cast<Index>(question->prompt.size()) + answer_tokens(*question); };
    if (size() > limit) {
      ++questions.cut;
      // Its end may be of other tokens where it is cut, one or two more.
      for (Index room = limit - answer_tokens(*question); question && size() > limit; --room) {
        const auto part = room > 0 ? cut_to(base, records[i], room) : std::nullopt;
        if (part) question = question_of(base, *part, labels);
        else question.reset();
      }
      if (!question) {
        --questions.cut, ++questions.left_out;
        continue;
      }
    }
    questions.most = std::max(questions.most, answer_tokens(*question));
    longest = std::max(longest, static_cast<Index>(question->prompt.size()));
    questions.asked.push_back(std::move(*question));
    questions.of.push_back(i);
  }
  questions.most = std::min(questions.most, limit - longest);
  return questions;
}

void tell_cuts(Index cut, Index left_out, Index all, Index limit, const std::string& what) {
  const std::string of_all = " of " + std::to_string(all) + " " + what, where = " more than " + std::to_string(limit) + " tokens with their answer: ";
  if (cut > 0) tell_note(std::to_string(cut) + of_all + " have" + where + "the end of their text is cut off");
  if (left_out > 0) tell_note(std::to_string(left_out) + of_all + " have" + where + "they are left out, as the template and the answer alone are too long");
}

}  // namespace cli
