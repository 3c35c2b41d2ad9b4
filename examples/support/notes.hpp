#pragma once
// Notes: what a careful person would want to hear besides the result. Each is told on standard error when it is known, and all of
// them stand in a result that is JSON.
#include <string>
#include <vector>

#include "terminal.hpp"

namespace cli {

/// Those that were told so far.
inline std::vector<std::string>& told_notes() {
  static std::vector<std::string> notes;
  return notes;
}

inline void tell_note(const std::string& note) {
  tell("tfm: note: " + note + "\n");
  told_notes().push_back(note);
}
inline void tell_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) tell_note(note);
}

}  // namespace cli
