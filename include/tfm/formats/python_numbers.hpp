#pragma once
// NaN, Infinity and -Infinity, which Python's json writes and JSON does not have, as numbers that a parser of JSON passes on.
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

struct PythonNumber {
  std::string_view word, stand_in;  // the latter: a number in a spelling that no program writes
  double value;
};
inline constexpr std::array<PythonNumber, 3> python_numbers{{{"NaN", "0.000e-406", std::numeric_limits<double>::quiet_NaN()},
                                                             {"Infinity", "0.000e-407", std::numeric_limits<double>::infinity()},
                                                             {"-Infinity", "-0.000e-407", -std::numeric_limits<double>::infinity()}}};

/// A JSON text in which the three words, where they are values, have given way to their stand-ins.
class PythonJson {
  std::string_view given_;
  std::string changed_;                                       // empty where there is nothing to change
  std::vector<std::pair<std::size_t, std::size_t>> changes_;  // by rising place: where a stand-in ends in `changed_`, and its word in `given_`

 public:
  explicit PythonJson(std::string_view text);

  std::string_view text() const noexcept { return changes_.empty() ? given_ : std::string_view(changed_); }
  /// The place in the text that was given of a place in text().
  std::size_t given_place(std::size_t place) const noexcept;
  /// What a number is that the text spells so; `value` where it is no stand-in.
  static double value_of(std::string_view spelling, double value) noexcept;
};

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/python_numbers.inl"
#endif
