// What message.hpp declares.
#include <charconv>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

TFM_INLINE std::string number_text(float value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

TFM_INLINE std::string shape_text(std::span<const Index> shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size() && i < 8; ++i)
    out.append(i > 0 ? ", " : "").append(std::to_string(shape[i]));
  if (shape.size() > 8) out += ", ... (" + std::to_string(shape.size()) + " dimensions)";
  return out + "]";
}

namespace detail {

TFM_INLINE void fail(std::string_view file, std::initializer_list<TextPart> what) {
  raise<LoadError>({"tfm: ", file, ": ", joined(what)});
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
