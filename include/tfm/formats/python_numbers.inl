// What python_numbers.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE PythonJson::PythonJson(std::string_view text) : given_(text) {
  constexpr std::string_view between = ",:[]{} \t\r\n";
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) return;
  std::size_t kept = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (in_string && text[at] == '\\') ++at;
    else if (text[at] == '"') in_string = !in_string;
    else if (!in_string && (at == 0 || between.find(text[at - 1]) != between.npos))
      for (const PythonNumber& number : python_numbers) {
        const std::size_t end = at + number.word.size();
        if (!text.substr(at).starts_with(number.word) || (end < text.size() && between.find(text[end]) == between.npos)) continue;
        changed_.append(text.substr(kept, at - kept)).append(number.stand_in);
        changes_.emplace_back(changed_.size(), kept = end);
        at = end - 1;
        break;
      }
  }
  if (!changes_.empty()) changed_.append(text.substr(kept));
}

TFM_INLINE std::size_t PythonJson::given_place(std::size_t place) const noexcept {
  std::size_t given = place;
  for (const auto& [end, end_given] : changes_)
    if (end <= place) given = place - end + end_given;
  return given;
}

TFM_INLINE double PythonJson::value_of(std::string_view spelling, double value) noexcept {
  for (const PythonNumber& number : python_numbers)
    if (spelling == number.stand_in) return number.value;
  return value;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
