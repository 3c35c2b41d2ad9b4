// What encoding.hpp declares.
#include <array>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string_view wide_encoding(std::string_view bytes) noexcept {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (bytes.starts_with("\xFF\xFE"sv) || bytes.starts_with("\xFE\xFF"sv)) return "UTF-16";
  bytes = bytes.substr(0, 4096);
  bytes.remove_suffix(bytes.size() % 4);
  std::array<std::size_t, 4> zeros{};
  for (std::size_t i = 0; i < bytes.size(); ++i) zeros[i % 4] += bytes[i] == 0 ? 1 : 0;
  const std::size_t units = bytes.size() / 4;
  const auto often = [&](std::size_t count, std::size_t of) { return 2 * count > of; };
  const auto rare = [&](std::size_t count, std::size_t of) { return 20 * count <= of; };
  if (often(zeros[2], units) && often(zeros[3], units) && rare(zeros[0], units)) return "UTF-32LE";
  if (often(zeros[0], units) && often(zeros[1], units) && rare(zeros[3], units)) return "UTF-32BE";
  if (often(zeros[1] + zeros[3], 2 * units) && rare(zeros[0] + zeros[2], 2 * units)) return "UTF-16LE";
  if (often(zeros[0] + zeros[2], 2 * units) && rare(zeros[1] + zeros[3], 2 * units)) return "UTF-16BE";
  return {};
}

namespace detail {

TFM_INLINE std::string wide_fault(std::string_view bytes, std::string_view file) {
  const std::string_view wide = wide_encoding(bytes);
  return wide.empty() ? std::string() : joined({"line 1: found text in ", wide, ", expected UTF-8; ", iconv(joined({"-f ", wide}), file), " makes it so"});
}

}  // namespace detail

TFM_INLINE std::string encoding_fault(std::string_view bytes, std::string_view file) {
  if (std::string wide = detail::wide_fault(bytes, file); !wide.empty()) return wide;
  const auto command = [&](std::string_view options) { return detail::iconv(options, file); };
  std::size_t first = bytes.npos, faults = 0, characters = 0;  // characters of several bytes
  bool controls = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const int length = utf8_character(bytes.substr(at));
    if (length > 1) ++characters;
    if (length <= 0) {
      if (first == bytes.npos) first = at;
      ++faults;
      controls = controls || static_cast<unsigned char>(bytes[at]) < 0xA0;
    }
    at += length > 0 ? static_cast<std::size_t>(length) : 1;
  }
  if (faults == 0) return {};
  Index line = 1;
  std::size_t begin = 0;  // of the line; one ends with LF, CR LF or CR
  for (std::size_t i = 0; i < first; ++i)
    if (bytes[i] == '\n' || (bytes[i] == '\r' && bytes[i + 1] != '\n')) ++line, begin = i + 1;
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(bytes[first]);
  const char shown[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  const std::string where = joined({"line ", line, ": found '", std::string_view(shown, sizeof shown), "' at byte ", first - begin + 1, ", which is not UTF-8; "});
  // Other characters of several bytes are no chance: then it is UTF-8 that was damaged. Bytes below 0xA0 are letters in no ISO 8859.
  if (characters > faults) return where + command("-c -f UTF-8") + " leaves such bytes out";
  const std::string_view guess = controls ? "WINDOWS-1252" : "ISO-8859-1";
  return where + joined({"if the file is in ", guess, ", ", command(joined({"-f ", guess})), " makes it so"});
}

TFM_INLINE std::string_view utf8_text(std::string_view bytes, std::string_view file) {
  if (const std::string fault = encoding_fault(bytes, file); !fault.empty()) raise<LoadError>({"tfm: ", file, ": ", fault});
  return without_byte_order_mark(bytes);
}

TFM_INLINE std::string_view narrow_text(std::string_view bytes, std::string_view file) {
  if (const std::string fault = detail::wide_fault(bytes, file); !fault.empty()) raise<LoadError>({"tfm: ", file, ": ", fault});
  return without_byte_order_mark(bytes);
}

}  // namespace tfm::inline TFM_ABI
