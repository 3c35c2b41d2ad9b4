// What utf8.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
}

TFM_INLINE void Utf8Stream::drain(std::string& out, bool end, InvalidUtf8 rule) {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const int length = utf8_character(rest);
    if (length < 0 && !end) break;
    if (length > 0) {
      out.append(rest, 0, static_cast<std::size_t>(length));
      rest.remove_prefix(static_cast<std::size_t>(length));
    } else {
      out += replacement_character;
      rest.remove_prefix(rule == InvalidUtf8::each_byte ? 1 : broken_character(rest));
    }
  }
  pending_.erase(0, pending_.size() - rest.size());
}

TFM_INLINE void Utf8Stream::push(std::string_view bytes, std::string& out, InvalidUtf8 rule) {
  if (pending_.empty() && is_utf8(bytes)) {
    out += bytes;
    return;
  }
  pending_ += bytes;
  drain(out, false, rule);
}

TFM_INLINE std::string replace_invalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Utf8Stream stream;
  stream.push(text, out);
  stream.flush(out);
  return out;
}

}  // namespace tfm::inline TFM_ABI
