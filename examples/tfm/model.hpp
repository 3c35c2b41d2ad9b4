#pragma once
// The model that the commands work with, and how it is run by the options that they share.
#include <chrono>
#include <optional>
#include <string>

#include "arguments.hpp"
#include "tfm/generate/loaded.hpp"
#include "tfm/generate/session.hpp"

namespace cli {

using Loaded = tfm::Loaded<tfm::AnyModel>;

/// Loads it, with a progress bar if that takes long, and tells its notes. Errors: tfm::Error; Stopped after Ctrl-C.
Loaded open_model(const ModelArguments& arguments);
/// The same, its notes untold: a model that is loaded several times has them each time.
Loaded load_model(const ModelArguments& arguments);

/// The positions that were asked for, or a default that a computer can bear.
tfm::Index context_of(const ModelArguments& arguments, tfm::Index models);
/// How to have a larger context than this one, as a part of a sentence.
std::string more_context(tfm::Index context, tfm::Index models);
tfm::Format cache_format(const ModelArguments& arguments);
int thread_count(const ModelArguments& arguments);

/// What a session is made of by these arguments; Ctrl-C stops it.
tfm::SessionOptions session_options(const ModelArguments& arguments, const tfm::AnyModel& model);

/// The sampler's options, the seed drawn where none is given.
tfm::SamplerOptions sampler_options(const AnswerArguments& arguments);
/// Of an answer, in a context of so many.
tfm::Index max_tokens(const AnswerArguments& arguments, tfm::Index context);

/// What was given as a text, or in a file; none where standard input is to be looked at.
std::optional<std::string> given_text(const TextArguments& text);

/// Seconds, from any beginning.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cli
