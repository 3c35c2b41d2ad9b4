// tfm convert: a model as another file, tensor by tensor, without loading it; or an adapter in its other form.
#include "tfm/checkpoint/convert.hpp"

#include "model.hpp"
#include "support/interrupt.hpp"
#include "support/json_output.hpp"
#include "support/notes.hpp"
#include "support/output_guard.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/formats/torch_zip.hpp"

namespace cli {

namespace {

/// Refuses to write over the model, by whatever name, and over what is there already unless that was asked for.
void guard_output(const ConvertArguments& arguments) {
  std::error_code absent;
  std::vector<CommandInput> inputs{{"the model", arguments.model}, {"the adapter", arguments.adapter}};
  if (tfm::detail::is_gguf_name(arguments.out)) return guard_file("--out", arguments.out, inputs, arguments.overwrite);
  if (!std::filesystem::is_directory(arguments.model, absent))
    inputs.push_back({"the folder of the model", std::filesystem::absolute(arguments.model, absent).parent_path()});
  std::vector<std::string> files{"config.json", "model.safetensors", "model.safetensors.index.json"};
  files.insert(files.end(), std::begin(tfm::tokenizer_files), std::end(tfm::tokenizer_files));
  guard_inputs("--out", arguments.out, files, inputs);
  guard_empty("--out", arguments.out, arguments.overwrite);
}

/// The adapter in the other form. Its layers' sizes are the model's, which is loaded.
std::vector<std::string> write_adapter(const ConvertArguments& arguments) {
  ModelArguments model;
  model.model = arguments.model, model.threads = arguments.threads;
  const Loaded loaded = open_model(model);
  const tfm::BaseIdentity base = tfm::base_identity(arguments.model, tfm::read_torch);
  tfm::peft::LoadedAdapter adapter =
      tfm::peft::load(arguments.adapter, loaded.model, {.base = base, .any_base = false, .read_bin = tfm::read_torch});
  if (tfm::detail::is_gguf_name(arguments.out)) tfm::peft::save_gguf(adapter.adapter, loaded.model, arguments.out);
  else
    tfm::peft::save(adapter.adapter, loaded.model, arguments.out,
                    {.base = base, .rslora = adapter.config.rslora, .base_model = arguments.model.string()});
  return std::move(adapter.notes);
}

std::vector<std::string> write_model(const ConvertArguments& arguments) {
  tfm::Context context(arguments.threads > 0 ? arguments.threads : tfm::Threads::hardware());
  context.stop = interrupt_token();
  ProgressBar bar;
  std::vector<std::string> notes = tfm::convert(context, arguments.model, arguments.out,
                                                {.type = arguments.type,
                                                 .shard_bytes = arguments.shard_bytes,
                                                 .read_bin = tfm::read_torch,
                                                 .progress = bar.callback(),
                                                 .replaced = {}});
  bar.clear();
  return notes;
}

}  // namespace

int run(const ConvertArguments& arguments) {
  guard_output(arguments);
  tell_notes(arguments.adapter.empty() ? write_model(arguments) : write_adapter(arguments));
  if (arguments.json) print_json({{"out", arguments.out.string()}});
  else print("wrote " + arguments.out.string() + "\n");
  return success;
}

}  // namespace cli
