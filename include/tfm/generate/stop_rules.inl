// What stop_rules.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE StopRules::StopRules(std::vector<Token> tokens, std::vector<std::string> strings) : tokens_(std::move(tokens)), strings_(std::move(strings)) {
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    const std::string which = "tfm: stop string " + std::to_string(i + 1) + " of " + std::to_string(strings_.size());
    if (strings_[i].empty()) raise<OptionError>({which, " is empty, expected at least one character"});
    if ((static_cast<unsigned char>(strings_[i][0]) & 0xc0) == 0x80) {
      raise<OptionError>({which, " starts within a UTF-8 character, expected whole characters"});
    }
  }
}

TFM_INLINE bool StopRules::stops(std::string_view spelling) const noexcept {
  return std::find(strings_.begin(), strings_.end(), spelling) != strings_.end();
}

TFM_INLINE std::string_view StopFilter::push(std::string_view piece) {
  forget();
  if (found_) return {};
  text_.append(piece);
  for (std::size_t at = before_ + text_.size() - piece.size(); const char next : piece) {
    for (Watched& string : strings_) string.show(next, at);
    ++at;
    if (complete()) return text_;
  }
  return decided();
}

TFM_INLINE std::string_view StopFilter::push_control(std::string_view spelling) {
  forget();
  if (found_) return {};
  for (const char next : spelling) {
    for (Watched& string : strings_) {
      if (string.text.find(spelling) != string.text.npos) string.show(next, before_ + text_.size());
    }
    if (complete()) return text_;
  }
  return decided();
}

TFM_INLINE std::string_view StopFilter::flush() {
  forget();
  out_ = text_.size();
  return text_;
}

TFM_INLINE void StopFilter::reset() noexcept {
  text_.clear();
  out_ = before_ = 0;
  found_ = false;
  for (Watched& string : strings_) string.shown = string.matched = 0;
}

TFM_INLINE void StopFilter::forget() {
  text_.erase(0, out_);
  before_ += out_;
  out_ = 0;
}

TFM_INLINE bool StopFilter::complete() {
  std::size_t first = text_.size();
  for (const Watched& string : strings_) {
    if (!string.complete()) continue;
    found_ = true;
    first = std::min(first, string.begin() - before_);
  }
  if (!found_) return false;
  text_.resize(first);
  out_ = first;
  return true;
}

TFM_INLINE std::string_view StopFilter::decided() noexcept {
  std::size_t first = text_.size();
  for (const Watched& string : strings_) {
    if (string.matched > 0) first = std::min(first, string.begin() - before_);
  }
  out_ = first;
  return std::string_view(text_).substr(0, out_);
}

}  // namespace tfm::inline TFM_ABI
