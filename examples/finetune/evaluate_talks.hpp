#pragma once
// The part of finetune evaluate that measures conversations.
#include "arguments.hpp"
#include "tfm/train/data/conversations.hpp"

namespace cli {

/// The loss of what the assistant says, before and after. The exit code. Errors: UsageError for options that are for
/// records; LoadError.
int evaluate_talks(const EvaluateArguments& arguments, tfm::Conversations talks);

}  // namespace cli
