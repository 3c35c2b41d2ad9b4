#pragma once
// From records and labels to the questions that a model is asked: prompts and answers as training made them, cut where they are too long.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base.hpp"
#include "scorer.hpp"

namespace cli {

/// The questions of some records, those that could be asked.
struct Questions {
  std::vector<Question> asked;
  std::vector<std::size_t> of;  ///< each one's record
  tfm::Index most = 1;          ///< tokens that the model may say: those of the longest label, and one more
  tfm::Index cut = 0;           ///< records whose text lost its end
  tfm::Index left_out = 0;      ///< records that are too long without it
};

/// Each label as an answer. One that another label goes on from, token for token, has EOS behind it, as training's samples have: it could
/// not be likelier than the other otherwise. Where prompt, answer and EOS have more than `limit` tokens, the end of the record's input (or, without
/// one, its instruction) is cut off; training cuts the end of the whole, and with it the answer. Errors: TokenizerError.
Questions questions_of(const Base& base, std::span<const tfm::AlpacaRecord> records, const std::vector<std::string>& labels, tfm::Index limit);

/// The record with its text cut until its prompt has at most `limit` tokens; nothing where that takes all of the text.
std::optional<tfm::AlpacaRecord> cut_to(const Base& base, const tfm::AlpacaRecord& record, tfm::Index limit);

/// Tells on standard error what was cut and left out, if anything was; `what` they are: "records".
void tell_cuts(tfm::Index cut, tfm::Index left_out, tfm::Index all, tfm::Index limit, const std::string& what);

}  // namespace cli
