// What json_text.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string json_string(std::string_view text, JsonCharacters characters) {
  if (!detail::fit_for_json(text))
    raise(LoadError("tfm: " + in_quotes(text) + " is not UTF-8 and cannot be written as JSON"));
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view short_from = "\b\t\n\f\r", short_to = "btnfr";
  const bool ascii = characters == JsonCharacters::ascii;
  std::string out = "\"";
  const auto unit = [&](char32_t code) {
    out += "\\u";
    for (const int shift : {12, 8, 4, 0}) out += digits[code >> shift & 15];
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t known = ascii ? short_from.find(c) : text.npos;
    if (c == '"' || c == '\\') out.append(1, '\\').append(1, c);
    else if (known != text.npos) out.append(1, '\\').append(1, short_to[known]);
    else if (byte < 0x20 || (ascii && byte == 0x7f)) unit(byte);
    else if (!ascii || byte < 0x80) out += c;
    else {
      char32_t code = byte & (byte < 0xe0 ? 0x1fu : byte < 0xf0 ? 0x0fu : 0x07u);
      for (int more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3; more > 0; --more)
        code = code << 6 | (static_cast<unsigned char>(text[++at]) & 0x3fu);
      if (code >= 0x10000) unit(0xd800 + ((code - 0x10000) >> 10)), code = 0xdc00 + ((code - 0x10000) & 0x3ff);
      unit(code);
    }
  }
  return out + '"';
}

}  // namespace tfm::inline TFM_ABI
