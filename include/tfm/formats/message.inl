// What message.hpp declares.
#include <charconv>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string printable(std::string_view text, std::size_t longest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) out += c;
    else out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return text.size() > longest ? out + "..." : out;
}

TFM_INLINE std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 96;
  std::string quoted(1, '\'');
  quoted.append(printable(text, longest)).append(1, '\'');
  if (text.size() > longest) quoted.append(" (").append(std::to_string(text.size())).append(" bytes)");
  return quoted;
}

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
