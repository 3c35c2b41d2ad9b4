// What resume.hpp declares.
#include "tfm/formats/json_writer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::string state_text(const TrainState& s) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("version", 1);
  json.member("step", s.step).member("updates", s.updates).member("skipped", s.skipped).member("evaluated", s.evaluated);
  json.member("best_step", s.best_step).member("best_loss", s.best_loss).member("stale", s.stale);
  // A seed has 64 bits, which not every reader's numbers hold.
  json.member("seed", std::to_string(s.seed)).member("samples", s.samples).member("batch", s.batch);
  return json.member("optimizer", s.optimizer).end().text() + "\n";
}

TFM_INLINE TrainState parse_state(const std::filesystem::path& file) {
  const JsonDocument document = read_json(file);
  const Json root = document.root();
  if (const Json version = root.at("version"); version.integer() != 1) version.refuse("found " + version.found() + ", expected 1");
  TrainState s;
  s.step = root.at("step").integer(0);
  s.updates = root.at("updates").integer(0, s.step);
  s.skipped = root.at("skipped").integer(0, s.step);
  s.evaluated = root.at("evaluated").integer(-1, s.step);
  s.best_step = root.at("best_step").integer(-1, s.step);
  s.best_loss = root.at("best_loss").number();
  s.stale = root.at("stale").integer(0);
  const Json seed = root.at("seed");
  const std::string_view digits = seed.text();
  if (const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), s.seed); error != std::errc{} || end != digits.data() + digits.size())
    seed.refuse("found " + seed.found() + ", expected a number of 64 bits");
  s.samples = root.at("samples").integer(0);
  s.batch = root.at("batch").integer(0);
  s.optimizer = root.at("optimizer").text();
  return s;
}

}  // namespace detail

TFM_INLINE void save_checkpoint(const std::filesystem::path& folder, const TrainState& state, const Parameters& parameters, const std::vector<NamedState>& optimizer,
                                const SaveWatch& watch) {
  const auto at = [&](SaveStage stage, const std::filesystem::path& path) {
    if (watch) watch(stage, path);
  };
  const auto target = checkpoint_path(folder, state.step);
  detail::TemporaryTree tree(folder / (std::string(detail::temporary_prefix) + std::to_string(state.step) + ".tmp"));
  at(SaveStage::begun, tree.path());
  save_weights(tree.path() / "model.safetensors", parameters);
  at(SaveStage::weights, tree.path());
  std::vector<Tensor> tensors;
  for (const NamedState& s : optimizer)
    for (const Parameter& p : parameters) tensors.push_back(detail::as_tensor(std::string(s.name) + "/" + p.name, p, Parameters::part(p, View(s.flat)).data));
  write_safetensors(tree.path() / "optimizer.safetensors", tensors);
  at(SaveStage::optimizer, tree.path());
  write_file(tree.path() / "state.json", bytes_of(detail::state_text(state)));
  at(SaveStage::state, tree.path());
  if (std::error_code error; std::filesystem::exists(target, error)) {  // rename() replaces no folder that holds something
    const auto doomed = folder / (std::string(detail::temporary_prefix) + "old-" + std::to_string(state.step));
    std::filesystem::remove_all(doomed, error);
    std::filesystem::rename(target, doomed, error);
#if defined(__cpp_exceptions)
    try {
      tree.become(target);
    } catch (...) {  // the one of before comes back
      std::filesystem::rename(doomed, target, error);
      throw;
    }
#else
    tree.become(target);
#endif
    std::filesystem::remove_all(doomed, error);
  } else {
    tree.become(target);
  }
  at(SaveStage::renamed, target);
}

TFM_INLINE TrainState load_checkpoint(const std::filesystem::path& path, const Parameters& parameters, const std::vector<NamedState>& optimizer,
                                      const std::function<void(const TrainState&)>& check) {
  TrainState state = detail::parse_state(path / "state.json");
  if (check) check(state);
  Buffer weights = parameters.flat();
  read_flat(path / "model.safetensors", parameters, {{"", weights}});
  std::vector<Buffer> buffers;
  std::vector<NamedState> copies;
  for (const NamedState& s : optimizer) buffers.push_back(parameters.flat()), copies.push_back({s.name, buffers.back()});
  read_flat(path / "optimizer.safetensors", parameters, copies);
  parameters.write(weights);
  for (std::size_t i = 0; i < optimizer.size(); ++i) copy(copies[i].flat, optimizer[i].flat);
  return state;
}

}  // namespace tfm::inline TFM_ABI
