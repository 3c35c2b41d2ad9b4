#pragma once
// The model that the commands work with, and how it is run by the options that they share.
#include <chrono>

#include "arguments.hpp"
#include "tfm/generate/loaded.hpp"
#include "tfm/generate/session.hpp"

namespace cli {

using Loaded = tfm::Loaded<tfm::AnyLlama>;

/// Loads it, with a progress bar if that takes long. Errors: tfm::Error; Stopped after Ctrl-C.
Loaded open_model(const ModelArguments& arguments);
/// What is to be told of it, on standard error.
void tell_notes(const Loaded& loaded);

/// The positions that were asked for, or a default that a computer can bear.
tfm::Index context_of(const ModelArguments& arguments, tfm::Index models);
tfm::Format cache_format(const ModelArguments& arguments);
int thread_count(const ModelArguments& arguments);

/// What a session is made of by these arguments; Ctrl-C stops it.
tfm::SessionOptions session_options(const ModelArguments& arguments, const tfm::AnyLlama& model);

/// The sampler's options, the seed drawn where none is given.
tfm::SamplerOptions sampler_options(const AnswerArguments& arguments);

/// Seconds, from any beginning.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cli
