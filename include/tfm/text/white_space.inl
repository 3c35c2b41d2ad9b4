// What white_space.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trimmed_left(text); !text.empty(); text = trimmed_left(text)) {
    std::size_t length = 0;
    while (length < text.size() && leading_white_space(text.substr(length)) == 0) ++length;
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

}  // namespace tfm::inline TFM_ABI
