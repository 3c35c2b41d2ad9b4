// The fixed file whose compiling is the unit of cpu_budgets.py. It stays as it is, whatever becomes of the library.
#include <map>
#include <regex>
#include <string>
#include <vector>

std::map<std::string, std::vector<std::string>> words(const std::string& text) {
  static const std::regex word("([a-z])[a-z]*");
  std::map<std::string, std::vector<std::string>> found;
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) found[(*at)[1]].push_back(at->str());
  return found;
}
