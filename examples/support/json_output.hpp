#pragma once
// Results as JSON.
#include <nlohmann/json.hpp>

#include "notes.hpp"
#include "terminal.hpp"

namespace cli {

/// Prints an object with the notes that were told; bytes that are not UTF-8, of a file's name perhaps, become U+FFFD.
inline void print_json(nlohmann::ordered_json result, int indent = -1) {
  result["notes"] = told_notes();
  print(result.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace cli
