#pragma once
// Chat templates as the command line names them: a known format, or a file that holds one.
#include <filesystem>
#include <string>
#include <system_error>

#include "tfm/text/chat_format.hpp"

namespace cli {

inline std::string template_names(const char* between) {
  std::string names;
  for (const tfm::ChatFormat& format : tfm::known_chat_formats()) names += (names.empty() ? "" : between) + format.name;
  return names;
}
inline bool is_template_name(const std::string& word) {
  for (const tfm::ChatFormat& format : tfm::known_chat_formats())
    if (format.name == word) return true;
  return false;
}
/// What is wrong with the word; empty: nothing.
inline std::string template_fault(const std::string& word) {
  std::error_code unknown;
  if (is_template_name(word) ||
      (std::filesystem::exists(word, unknown) && !std::filesystem::is_directory(word, unknown)))
    return "";
  return "found '" + word + "', expected one of " + template_names(", ") + ", or a file with a Jinja template";
}

}  // namespace cli
