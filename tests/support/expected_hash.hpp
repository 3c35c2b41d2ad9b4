#pragma once
// Hashes of results that every machine must give, looked up by what was computed.
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace tfm_test {

struct ExpectedHash {
  std::string_view what;
  std::uint64_t hash;
};

inline std::string as_hex(std::uint64_t hash) {
  std::ostringstream text;
  text << "0x" << std::hex << hash << "u";
  return text.str();
}

/// Fails, with the line that the table would need, where the hash of `what` is another than the table's.
inline void check_hash(std::span<const ExpectedHash> table, const std::string& what, std::uint64_t found) {
  for (const ExpectedHash& line : table)
    if (line.what == what) {
      INFO("found {\"" << what << "\", " << as_hex(found) << "}");
      CHECK(as_hex(found) == as_hex(line.hash));
      return;
    }
  FAIL_CHECK("not in the table: {\"" << what << "\", " << as_hex(found) << "},");
}

}  // namespace tfm_test
