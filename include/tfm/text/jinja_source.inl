// What jinja_source.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::optional<std::vector<std::string>> JinjaSource::statements(std::string_view source) {
  JinjaSource jinja;
  if (source.size() > longest || source.find(quote) != source.npos) return std::nullopt;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (!source.substr(i).starts_with("\r\n")) jinja.source_ += source[i];
  }
  if (jinja.source_.ends_with('\n')) jinja.source_.pop_back();
  if (!jinja.take_apart()) return std::nullopt;
  return std::move(jinja.statements_);
}

TFM_INLINE bool JinjaSource::take_apart() {
  bool block_before = false, trim_before = false;
  while (at_ < source_.size()) {
    std::size_t tag = at_;
    while (tag < source_.size() && !starts_tag(tag)) ++tag;
    const char kind = tag < source_.size() ? source_[tag + 1] : '\0';
    const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    if ((kind == '%' || kind == '#') && mark != '+') text = without_indent(text, at_ == 0);
    if (block_before && text.starts_with('\n')) text.remove_prefix(1);
    if (trim_before) text = trimmed_left(text);
    if (mark == '-' && kind != '\0') text = trimmed_right(text);
    if (!text.empty()) statements_.push_back("{{" + (quote + std::string(text)) + quote + "}}");
    at_ = tag;
    if (kind == '\0') break;
    at_ += mark == '-' || mark == '+' ? 3 : 2;
    if (kind == '#' ? !comment(trim_before) : !statement(kind, trim_before)) return false;
    block_before = kind != '{';
  }
  return true;
}

TFM_INLINE bool JinjaSource::starts_tag(std::size_t at) const noexcept {
  return source_[at] == '{' && at + 1 < source_.size() &&
         (source_[at + 1] == '{' || source_[at + 1] == '%' || source_[at + 1] == '#');
}

TFM_INLINE bool JinjaSource::comment(bool& trim_after) {
  const std::size_t end = source_.find("#}", at_);
  if (end == std::string::npos) return false;
  trim_after = end > at_ && source_[end - 1] == '-';
  at_ = end + 2;
  return true;
}

TFM_INLINE bool JinjaSource::statement(char kind, bool& trim_after) {
  const std::string end = kind == '{' ? "}}" : "%}";
  std::string out = kind == '{' ? "{{" : "{%", code;
  const auto rest = [&] { return std::string_view(source_).substr(at_); };
  while (at_ < source_.size()) {
    trim_after = rest().starts_with("-" + end);
    if (trim_after || rest().starts_with(end)) {
      statements_.push_back(out + respelt(code) + end);
      at_ += end.size() + (trim_after ? 1 : 0);
      return true;
    }
    if (source_[at_] == '\'' || source_[at_] == '"') {
      out += respelt(std::exchange(code, {}));
      if (!literal(out)) return false;
    } else if (!trimmed(rest().substr(0, 1)).empty()) {
      code += source_[at_++];
    } else {
      ++at_;
    }
  }
  return false;
}

TFM_INLINE bool JinjaSource::literal(std::string& out) {
  const char end = source_[at_++];
  if (out.size() > 2 && out.ends_with('+') && out[out.size() - 2] == quote) {
    out.resize(out.size() - 2);
  } else {
    out += quote;
  }
  for (; at_ < source_.size(); ++at_) {
    if (source_[at_] == end) {
      ++at_;
      out += quote;
      return true;
    }
    if (source_[at_] != '\\') {
      out += source_[at_];
      continue;
    }
    const char escape = ++at_ < source_.size() ? source_[at_] : '\0';
    const std::size_t known = std::string_view("ntr\\'\"").find(escape);
    if (known == std::string_view::npos) return false;
    out += "\n\t\r\\'\""[known];
  }
  return false;
}

TFM_INLINE std::string JinjaSource::respelt(std::string code) {
  const std::string role = std::string("[") + quote + "role" + quote + "]";
  const std::string content = std::string("[") + quote + "content" + quote + "]";
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{".role", role}, {".content", content}, {"|trim", ".strip()"}}) {
    for (std::size_t i = code.find(from); i != code.npos; i = code.find(from, i + to.size())) {
      code.replace(i, from.size(), to);
    }
  }
  return code;
}

TFM_INLINE std::string_view JinjaSource::without_indent(std::string_view text, bool at_line_start) {
  const std::size_t end = text.find_last_not_of(" \t");
  if (end == text.npos) return at_line_start ? std::string_view() : text;
  return text[end] == '\n' ? text.substr(0, end + 1) : text;
}

}  // namespace tfm::inline TFM_ABI
