#pragma once
// AdapterArgument: an adapter on a command line, "FOLDER" or "FOLDER=WEIGHT".
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace cli {

/// An adapter that is to be applied, and how much of it.
struct AdapterArgument {
  std::filesystem::path folder;
  float weight = 1;
};

/// A weight is what follows the last '=', if it is a number.
inline AdapterArgument parse_adapter(const std::string& word) {
  const auto at = word.rfind('=');
  if (at == word.npos || at == 0 || at + 1 == word.size()) return {word};
  char* end = nullptr;
  const float weight = std::strtof(word.c_str() + at + 1, &end);
  if (end != word.c_str() + word.size() || !std::isfinite(weight)) return {word};
  return {word.substr(0, at), weight};
}

}  // namespace cli
