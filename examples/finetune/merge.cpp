// finetune merge: adapters become part of their base, as a Hugging Face folder or a GGUF file, and what that changed is told.
#include "tfm/models/merge.hpp"

#include <cmath>
#include <map>
#include <set>

#include "base.hpp"
#include "records.hpp"
#include "support/json_output.hpp"
#include "support/notes.hpp"
#include "support/output_guard.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "support/loaded_adapters.hpp"
#include "tfm/checkpoint/convert.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/formats/torch_zip.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/text/encoding.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace cli {

namespace {

/// What both models are asked about: the file that was named, or records that the first adapter did not see, or its prompt.
std::vector<tfm::Token> ids_of(const MergeArguments& arguments, const Base& base) {
  constexpr std::size_t enough = 16;  // records
  const tfm::AnyTokenizer& tokenizer = base.loaded.tokenizer;
  if (!arguments.text.empty()) {
    const auto file = tfm::MappedFile::open(arguments.text);
    return tokenizer.encode(tfm::UserText{tfm::narrow_text(tfm::text_of(file->bytes()), file->name())});
  }
  const std::filesystem::path held_out = arguments.adapters.front().folder / "validation.json";
  std::error_code ignored;
  if (base.chat_template) {
    if (!std::filesystem::exists(held_out, ignored)) return base.prompt_ids({"Hello."});
    tfm::Conversations talks = tfm::read_conversations(held_out);
    talks.records.resize(std::min(talks.records.size(), enough));
    std::vector<tfm::Token> ids;
    for (const auto& sample : talk_samples(talks, base, PTRDIFF_MAX, held_out).samples) ids.insert(ids.end(), sample.ids.begin(), sample.ids.end());
    return ids;
  }
  const RunPrompt& prompt = base.prompt;
  std::string text;
  if (std::filesystem::exists(held_out, ignored)) {
    const auto records = tfm::read_alpaca(held_out);
    for (std::size_t i = 0; i < std::min(records.size(), enough); ++i) text += prompt.prompt(records[i]) + records[i].output + "\n\n";
  } else {
    text = prompt.prompt({.instruction = prompt.instruction, .input = "", .output = ""});
  }
  return tokenizer.encode(tfm::UserText{text});
}

tfm::LoadOptions loading(ProgressBar& bar, int threads, std::optional<tfm::Format> format) {
  tfm::LoadOptions options;
  options.format = format;
  options.threads = threads;
  options.progress = bar.callback();
  return options;
}

/// Refuses to write over the base, or over an adapter, by whatever name; and, unless that was asked for, into a folder with anything in it.
void guard_output(const MergeArguments& arguments) {
  std::error_code absent;
  const std::filesystem::path& model = arguments.base.model;
  const bool folder = std::filesystem::is_directory(model, absent);
  std::vector<CommandInput> inputs{{"the base", model}, {"the text", arguments.text}};
  // A file's folder may hold the config.json and the tokenizer by which it is read, or its other shards.
  if (!folder) inputs.push_back({"the folder of the base", std::filesystem::absolute(model, absent).parent_path()});
  for (const AdapterArgument& adapter : arguments.adapters) inputs.push_back({"an adapter", adapter.folder});
  if (tfm::detail::is_gguf_name(arguments.out)) return guard_file("--out", arguments.out, inputs, arguments.overwrite);
  std::vector<std::string> files{"config.json", "model.safetensors"};
  files.insert(files.end(), std::begin(tfm::tokenizer_files), std::end(tfm::tokenizer_files));
  guard_inputs("--out", arguments.out, files, inputs);
  guard_empty("--out", arguments.out, arguments.overwrite);
}

std::string megabytes(Index bytes) { return tfm::number_text(std::round(static_cast<double>(bytes) / 1e5) / 10) + " MB"; }

/// What the base's file has its tensors in.
class StoredTypes {
  tfm::OpenedCheckpoint opened_;
  tfm::WeightSource source_;

 public:
  explicit StoredTypes(const std::filesystem::path& model)
      : opened_(tfm::open_checkpoint(model, tfm::read_torch)), source_(opened_.tensors, opened_.convention, *opened_.family) {}

  /// Of a weight by the model's name; none where safetensors has no such type for weights.
  std::optional<tfm::Format> of(std::string_view name) const {
    const tfm::Tensor* const tensor = source_.find(name);
    const auto format = tensor == nullptr ? std::nullopt : tfm::format_of(tensor->type);
    return format == tfm::Format::f32 || format == tfm::Format::bf16 || format == tfm::Format::f16 ? format : std::nullopt;
  }
  /// How much of the matrices is in each type, by its name: {"Q4_1": bytes}.
  std::map<std::string, std::size_t> matrices() const {
    std::map<std::string, std::size_t> bytes;
    for (const tfm::Tensor& tensor : opened_.tensors.tensors())
      if (tensor.shape.size() == 2) bytes[tensor.type == tfm::DataType::i8 ? "int8" : tensor.type_name] += tensor.bytes.size();
    return bytes;
  }
};

/// What the folder's tensors become: what was asked for, or what the base's are, and f16 where these are quantised, which `why` says then.
tfm::SaveLlamaOptions saving(const MergeArguments& arguments, const StoredTypes& stored, std::string& why) {
  tfm::SaveLlamaOptions options{.format = tfm::Format::f16, .tokenizer_of = arguments.base.model};
  if (arguments.type) {
    options.format = *arguments.type;
    return options;
  }
  options.format_of = [&stored](std::string_view name) { return stored.of(name); };
  const std::map<std::string, tfm::Format> kept{{"F32", tfm::Format::f32}, {"BF16", tfm::Format::bf16}, {"F16", tfm::Format::f16}};
  std::size_t most = 0;
  for (const auto& [type, bytes] : stored.matrices())
    if (!kept.contains(type)) why += (why.empty() ? "" : ", ") + type;
    else if (bytes > most) most = bytes, options.format = kept.at(type);
  if (!why.empty()) {
    options.format = tfm::Format::f16;
    why = "; the base has " + why + ", which such a folder cannot hold: that becomes F16, unless --type says otherwise";
  }
  return options;
}

void write_folder(tfm::Context& context, const MergeArguments& arguments, const tfm::AnyModel& merged, ProgressBar& bar) {
  const StoredTypes stored(arguments.base.model);
  std::string why;
  tfm::SaveLlamaOptions options = saving(arguments, stored, why);
  options.progress = bar.callback();
  tell("tfm: writing " + megabytes(tfm::saved_llama_bytes(merged, options)) + " of weights in " + std::string(name(options.format)) + " to " +
       (arguments.out / "model.safetensors").string() + why + "\n");
  tell_notes(tfm::save_llama(context, merged, arguments.out, options));
}

/// The base's file with the merged weights in place of those that the adapter changed; all else keeps its bytes.
void write_gguf(tfm::Context& context, const MergeArguments& arguments, const tfm::AnyModel& merged, const tfm::Adapter& adapter, ProgressBar& bar) {
  std::set<std::string> changed;
  visit_lora_layers(merged, "", [&](const std::string& name, const auto& layer) {
    if (adapter.touches(layer.adapter_slot())) changed.insert(name + ".weight");
  });
  tfm::ConvertOptions options{.type = arguments.type, .read_bin = tfm::read_torch, .progress = bar.callback()};
  for (tfm::StoredRows& rows : tfm::stored_rows(merged))
    if (changed.contains(rows.name)) options.replaced[rows.name] = std::move(rows);
  const std::vector<std::string> notes = tfm::convert(context, arguments.base.model, arguments.out, options);
  bar.clear();
  tell_notes(notes);
}

}  // namespace

int run(const MergeArguments& arguments) {
  const bool gguf = tfm::detail::is_gguf_name(arguments.out);
  if (!gguf && arguments.type && !tfm::detail::in_torch(*arguments.type))
    throw UsageError("--type is " + std::string(name(*arguments.type)) + ", and a Hugging Face folder's tensors are F32, F16 or BF16; end --out in .gguf for a GGUF file");
  guard_output(arguments);
  const Base base = open_base(arguments.base, prompt_of({}, arguments.adapters.front().folder));
  LoadedAdapters adapters(arguments.adapters, base.loaded.model, base.identity, arguments.any_base);
  const tfm::Adapter* const adapter = adapters.all();
  tfm::Context context = context_of(arguments.base);
  const std::vector<tfm::Token> ids = ids_of(arguments, base);
  {
    ProgressBar bar;
    tfm::AnyModel merged = tfm::clone(base.loaded.model);
    static_cast<void>(tfm::merge(context, merged, *adapter));
    if (gguf) write_gguf(context, arguments, merged, *adapter, bar);
    else write_folder(context, arguments, merged, bar);
  }
  ProgressBar bar;
  const auto merged = tfm::load_model(arguments.out, loading(bar, arguments.base.threads, arguments.base.format));
  bar.clear();
  const tfm::ModelDifference found =
      tfm::compare_models(context, tfm::ComparedModel{base.loaded.model, adapter}, tfm::ComparedModel{merged.model}, ids);
  if (arguments.json) {
    print_json({{"out", arguments.out.string()}, {"kl_divergence", found.kl}, {"top_1_agreement", found.agreement}, {"tokens", found.tokens}});
    return success;
  }
  print("wrote " + arguments.out.string() + "; read back and beside the model with the adapter, over " + std::to_string(found.tokens) +
        " tokens: KL divergence " + tfm::number_text(found.kl) + " nats, the same likeliest token after " + tfm::number_text(100 * found.agreement) +
        " %\n");
  return success;
}

}  // namespace cli
