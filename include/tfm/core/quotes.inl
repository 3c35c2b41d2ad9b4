// What quotes.hpp declares.

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

}  // namespace tfm::inline TFM_ABI
