#pragma once
// What the commands tell on standard error about their input.
#include <filesystem>
#include <string>

#include "support/notes.hpp"
#include "tfm/train/data/translation.hpp"

namespace cli {

inline void tell_skipped(const std::filesystem::path& file, const tfm::SkippedLines& skipped) {
  if (skipped.total() == 0) return;
  std::string what;
  const auto add = [&](tfm::Index lines, const char* why) {
    if (lines > 0) what += (what.empty() ? "" : ", ") + std::to_string(lines) + " " + why;
  };
  add(skipped.empty, "empty"), add(skipped.without_tab, "without a tab");
  tell_note(file.string() + ": lines skipped: " + std::to_string(skipped.total()) + " (" + what + ")");
}

inline void tell_cut(tfm::Index sentences) {
  if (sentences > 0)
    tell_note("sentences that are longer than the model's, whose end was cut off: " + std::to_string(sentences));
}

}  // namespace cli
