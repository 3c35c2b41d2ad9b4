// tfm info: what a model file holds, and the memory that it would need. The weights are looked at, not loaded.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "info_choices.hpp"
#include "model.hpp"
#include "outline.hpp"
#include "support/json_output.hpp"
#include "support/notes.hpp"
#include "support/terminal.hpp"
#include "tfm/checkpoint/open_checkpoint.hpp"
#include "tfm/checkpoint/settle_chat.hpp"
#include "tfm/formats/torch_zip.hpp"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using tfm::Index;

/// All tensors of one type.
struct TypeCount {
  Index tensors = 0, values = 0, bytes = 0;
  bool supported = false;
};

struct Contents {
  std::map<std::string, TypeCount> types;
  Index parameters = 0;
  TypeChoice own{.name = "as it is"};
  std::vector<TypeChoice> choices;  ///< other types
  double bandwidth = 0;             ///< bytes a second that this computer reads from memory

  /// Tokens a second, if nothing but the weights had to be read.
  double most_tokens(const TypeChoice& choice) const { return bandwidth / static_cast<double>(std::max<Index>(1, choice.read)); }
};

Contents contents_of(const tfm::OpenedCheckpoint& opened, int threads) {
  Contents contents;
  for (const tfm::Tensor& tensor : opened.tensors.tensors()) {
    TypeCount& type = contents.types[tensor.type_name];
    const auto format = tfm::weight_format(tensor.type);
    ++type.tensors;
    type.values += tensor.size();
    type.bytes += static_cast<Index>(tensor.bytes.size());
    type.supported = format.has_value();
  }
  const tfm::WeightSource source(opened.tensors, opened.convention, *opened.family);
  const tfm::AnyModel model(opened.shape);
  visit_weights(model, "", [&](const std::string& name, const auto&, const tfm::WeightInfo& weight) {
    const tfm::Tensor* const tensor = source.find(name);
    if (tensor == nullptr) return;
    const auto format = tfm::weight_format(tensor->type);
    contents.parameters += weight.rows * weight.cols;
    if (format) add_weight(contents.own, weight, *format, opened.shape.tied);
  });
  contents.choices = choices_of(model);
  contents.bandwidth = memory_bandwidth(threads);
  return contents;
}

tfm::Memory memory_of(const InfoArguments& arguments, const tfm::DynamicLlamaShape& shape, const Contents& contents) {
  const ModelArguments& model = arguments.model;
  tfm::Memory memory = tfm::AnyModel(shape).memory({.context = context_of(model, shape.context),
                                                    .sequences = arguments.sequences,
                                                    .chunk = model.chunk,
                                                    .threads = thread_count(model),
                                                    .cache = cache_format(model)});
  memory.weights += contents.own.packed;
  return memory;
}

/// The chat template, and its notes, as load_model would settle them.
std::optional<tfm::ChatTemplate> chat_template_of(tfm::OpenedCheckpoint& opened) {
  tfm::ChatSettings settings = settle_chat(opened.tokenizer, opened.jinja, opened.stop_tokens);
  opened.notes.insert(opened.notes.end(), settings.notes.begin(), settings.notes.end());
  return std::move(settings.chat_template);
}

Json json_of(const InfoArguments& arguments, const tfm::OpenedCheckpoint& opened, const Contents& contents,
             const tfm::Memory& memory, const std::optional<tfm::ChatTemplate>& chat_template) {
  const tfm::DynamicLlamaShape& s = opened.shape;
  Json json{{"file", opened.file},
            {"family", opened.family->name},
            {"shape",
             {{"vocab", s.vocab},
              {"dim", s.dim},
              {"layers", s.layers},
              {"heads", s.heads},
              {"kv_heads", s.kv_heads},
              {"head_dim", head_dim(s)},
              {"ffn", s.ffn},
              {"context", s.context},
              {"norm_eps", s.norm_eps},
              {"rope_theta", s.rope_theta},
              {"rope_scaling", name(s.rope_scaling.kind)},
              {"tied", s.tied}}},
            {"parameters", contents.parameters},
            {"weights", Json::array()},
            {"memory",
             {{"context", context_of(arguments.model, s.context)},
              {"sequences", arguments.sequences},
              {"weights", memory.weights},
              {"cache", memory.cache},
              {"scratch", memory.scratch},
              {"logits", memory.logits},
              {"total", memory.total()}}},
            {"files", opened.tensors.sources().size()},
            {"bandwidth", contents.bandwidth},
            {"types", Json::array()},
            {"tokenizer", nullptr},
            {"chat_template", chat_template ? Json(chat_template->name()) : Json(nullptr)}};
  for (const auto& [type, count] : contents.types)
    json["weights"].push_back({{"type", type},
                               {"tensors", count.tensors},
                               {"values", count.values},
                               {"bytes", count.bytes},
                               {"supported", count.supported}});
  const Index beside = memory.total() - contents.own.packed;
  for (const TypeChoice& choice : contents.choices)
    json["types"].push_back({{"type", choice.name}, {"bytes", choice.file}, {"memory", choice.packed + beside}, {"most_tokens_per_second", contents.most_tokens(choice)}});
  if (const tfm::AnyTokenizer& tokenizer = opened.tokenizer) {
    const auto id = [](const std::optional<tfm::Token>& token) { return token ? Json(*token) : Json(nullptr); };
    json["tokenizer"] = {{"size", tokenizer.size()},   {"bos", id(tokenizer.bos())},
                         {"eos", id(tokenizer.eos())}, {"unknown", id(tokenizer.unknown())},
                         {"pad", id(tokenizer.pad())}, {"add_bos", tokenizer.add_bos()}};
  }
  return json;
}

std::string mebibytes(Index bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / static_cast<double>(tfm::MiB));
  return text;
}

/// The tokens with a role.
std::string roles_text(const tfm::AnyTokenizer& tokenizer) {
  std::string text;
  const auto add = [&](const char* role, const std::optional<tfm::Token>& token) {
    if (!token) return;
    text.append(text.empty() ? "" : ", ").append(role).append(" ").append(std::to_string(*token)).append(" ");
    text += tfm::in_quotes(tokenizer.piece(*token));
  };
  add("bos", tokenizer.bos()), add("eos", tokenizer.eos()), add("unknown", tokenizer.unknown()),
      add("pad", tokenizer.pad());
  return text;
}

std::string rotary_text(const tfm::DynamicLlamaShape& shape) {
  const tfm::RopeScaling& scaling = shape.rope_scaling;
  char base[32];
  std::snprintf(base, sizeof base, "base %.0f, scaling ", static_cast<double>(shape.rope_theta));
  const std::string text = base + std::string(name(scaling.kind));
  return scaling.kind == tfm::RopeScaling::Kind::none
             ? text
             : text + " " + tfm::number_text(static_cast<double>(scaling.factor));
}

std::string text_of(const InfoArguments& arguments, const tfm::OpenedCheckpoint& opened, const Contents& contents,
                    const tfm::Memory& memory, const std::optional<tfm::ChatTemplate>& chat_template) {
  const tfm::DynamicLlamaShape& s = opened.shape;
  const auto number = [](auto n) { return std::to_string(n); };
  std::string out = opened.file + "\n";
  const auto line = [&](std::string name, const std::string& text) {
    out += "  " + (name.resize(12, ' '), name) + text + "\n";
  };
  line("family", std::string(opened.family->name));
  if (opened.tensors.sources().size() > 1) line("files", number(opened.tensors.sources().size()));
  line("shape", number(s.layers) + " layers, width " + number(s.dim) + ", " + number(s.heads) + " heads of " +
                    number(head_dim(s)) + " (" + number(s.kv_heads) + " for keys and values)");
  line("", "feed-forward " + number(s.ffn) + ", vocabulary " + number(s.vocab) + ", context " + number(s.context) +
               ", output " + (s.tied ? "tied to the embedding" : "of its own"));
  line("rotary", rotary_text(s));
  if (s.options.window != 0) {
    tfm::Index count = 0;
    for (tfm::Index l = 0; l < s.layers; ++l) count += s.options.window_of(l) != 0 ? 1 : 0;
    line("window", number(s.options.window) + " positions, in " + number(count) + " of " + number(s.layers) + " layers");
  }
  line("parameters", number(contents.parameters));
  std::string name = "weights";
  for (const auto& [type, count] : contents.types) {
    line(name, type + ": " + number(count.tensors) + " tensors, " + mebibytes(count.bytes) +
                   (count.supported ? "" : "; tfm does not compute with it"));
    name.clear();
  }
  const Index context = context_of(arguments.model, s.context);
  line("memory", mebibytes(memory.total()) + " for a context of " + number(context) + (context < s.context ? " (--context asks for more)" : "") +
                     (arguments.sequences > 1 ? " in each of " + number(arguments.sequences) + " sequences" : "") +
                     ":");
  line("", "weights " + mebibytes(memory.weights) + ", keys and values " + mebibytes(memory.cache) + ", scratch " +
               mebibytes(memory.scratch + memory.logits));
  char row[160];
  std::snprintf(row, sizeof row, "%-8s %14s %14s %12s   by the %.1f GB/s that this computer reads", "", "file", "memory", "tokens/s", contents.bandwidth / 1e9);
  line("types", row);
  const auto choice_line = [&](const TypeChoice& choice) {
    std::snprintf(row, sizeof row, "%-8s %14s %14s %12.1f", choice.name.c_str(), mebibytes(choice.file).c_str(),
                  mebibytes(choice.packed + memory.total() - contents.own.packed).c_str(), contents.most_tokens(choice));
    line("", row);
  };
  choice_line(contents.own);
  for (const TypeChoice& choice : contents.choices) choice_line(choice);
  if (const tfm::AnyTokenizer& tokenizer = opened.tokenizer) {
    line("tokenizer", number(tokenizer.size()) + " pieces, " +
                          (tokenizer.add_bos() ? "puts bos in front of texts" : "puts no bos in front"));
    line("", roles_text(tokenizer));
  } else {
    line("tokenizer", "none");
  }
  line("template", chat_template ? chat_template->name() : "not known");
  for (const std::string& note : opened.notes) line("note", note);
  return out;
}

}  // namespace

int run(const InfoArguments& arguments) {
  std::optional<tfm::OpenedCheckpoint> opening;
  try {
    opening.emplace(tfm::open_checkpoint(arguments.model.model, tfm::read_torch));
  } catch (const tfm::Error& why) {
    tell_outline(arguments, why.what());
    throw;
  }
  tfm::OpenedCheckpoint& opened = *opening;
  const auto chat_template = chat_template_of(opened);
  const Contents contents = contents_of(opened, thread_count(arguments.model));
  const tfm::Memory memory = memory_of(arguments, opened.shape, contents);
  const bool told_once = !arguments.json && is_terminal(standard_output) && is_terminal(standard_error);  // the table has them
  if (!told_once) tell_notes(opened.notes);
  if (arguments.json) print_json(json_of(arguments, opened, contents, memory, chat_template), 2);
  else print(text_of(arguments, opened, contents, memory, chat_template));
  return success;
}

}  // namespace cli
