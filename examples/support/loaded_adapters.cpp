#include "loaded_adapters.hpp"

#include <algorithm>
#include <sstream>

#include "exit_code.hpp"
#include "notes.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/formats/torch_zip.hpp"

namespace cli {

namespace {

/// The last part of a path; of "folder/" too.
std::string last_part(const std::filesystem::path& path) {
  const std::filesystem::path normal = path.lexically_normal();
  return (normal.has_filename() ? normal.filename() : normal.parent_path().filename()).string();
}

}  // namespace

tfm::BaseIdentity base_of(const std::vector<AdapterArgument>& named, const std::filesystem::path& model) {
  return named.empty() ? tfm::BaseIdentity{} : tfm::base_identity(model, tfm::read_torch);
}

LoadedAdapters::LoadedAdapters(const std::vector<AdapterArgument>& named, const tfm::AnyModel& model, const tfm::BaseIdentity& base, bool any_base) : named_(named) {
  const tfm::peft::LoadOptions options{.base = base, .any_base = any_base, .read_bin = tfm::read_torch};
  for (const AdapterArgument& one : named_) {
    auto loaded = tfm::peft::load(one.folder, model, options);
    for (const std::string& note : loaded.notes) tell_note(one.folder.string() + ": " + note);
    adapters_.push_back(std::move(loaded.adapter));
  }
}

const tfm::Adapter* LoadedAdapters::all() {
  std::vector<tfm::WeightedAdapter> parts;
  for (std::size_t i = 0; i < named_.size(); ++i) parts.push_back({&adapters_[i], named_[i].weight});
  return apply(std::move(parts));
}

const tfm::Adapter* LoadedAdapters::chosen(std::string_view words) {
  std::vector<tfm::WeightedAdapter> parts;
  std::istringstream stream{std::string(words)};
  for (std::string word; stream >> word;) {
    if (word == "none") continue;
    const AdapterArgument wanted = parse_adapter(word);
    const auto found = std::find_if(named_.begin(), named_.end(), [&](const AdapterArgument& one) {
      return wanted.folder == last_part(one.folder) || wanted.folder == one.folder;
    });
    if (found == named_.end()) throw UsageError("there is no adapter " + wanted.folder.string());
    parts.push_back({&adapters_[static_cast<std::size_t>(found - named_.begin())], wanted.weight});
  }
  return apply(std::move(parts));
}

std::string LoadedAdapters::list() const {
  std::string text;
  for (const AdapterArgument& one : named_) text += last_part(one.folder) + "\n";
  return text;
}

const tfm::Adapter* LoadedAdapters::apply(std::vector<tfm::WeightedAdapter> parts) {
  if (parts.empty()) return nullptr;
  if (parts.size() == 1 && parts.front().weight == 1) return parts.front().adapter;
  mixed_ = tfm::mix(parts);
  return &mixed_;
}

}  // namespace cli
