#pragma once
// What can be asked of the program: the options of each command, as plain values with their defaults.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "support/adapter_argument.hpp"
#include "support/exit_code.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/numeric/format_table.hpp"

namespace cli {

using tfm::Index;

struct PrepareArguments {
  std::filesystem::path tweets, out;
  std::string text_column, label_column;  ///< empty: by their usual names
  std::vector<std::string> labels;        ///< "LABEL=NAME"; empty: sentiments
  char separator = ',';
  bool skip_unlabelled = false, drop_retweets = false, drop_links = false, overwrite = false, json = false;
};

/// The model that an adapter is for, and how it computes.
struct BaseArguments {
  std::filesystem::path model;
  std::optional<tfm::Format> format = tfm::Format::int8;  ///< of its matrices; none: as the file has them
  tfm::Arithmetic arithmetic = tfm::Arithmetic::fast;
  int threads = 0;  ///< 0: one for each core
};

enum class ScheduleName : unsigned char { linear, cosine, constant };

/// What a file of data holds: records of instruction, input and output, or conversations.
enum class RecordKind : unsigned char { alpaca, chat };

/// Whether gradients go through a base's int8 weights in products of 8 bits where the command line says nothing: where the way
/// forward does so too (docs/decisions/0013-int8-backward.md has what it costs).
constexpr bool usual_int8_backward(tfm::Arithmetic arithmetic) noexcept { return arithmetic == tfm::Arithmetic::fast; }

/// The article's recipe. What depends on the data or on the adapter that training begins with is filled in by recipe.hpp.
struct TrainArguments {
  BaseArguments base;
  std::optional<bool> int8_backward;  ///< none: usual_int8_backward(), where the base has int8 weights
  std::filesystem::path data, out;
  std::optional<RecordKind> kind;  ///< of the data; none: as its first record shows
  std::filesystem::path prompt;    ///< a template file; empty: Alpaca's own prompt
  std::string chat_template;       ///< of conversations: a name, or a file's; empty: the model's own
  std::uint64_t seed = 0, split_seed = 42;
  Index steps = 300, batch = 128, micro_batch = 4;
  std::optional<double> epochs;  ///< decide the steps
  double rate = 3e-4;
  std::optional<Index> warmup;  ///< none: 100 steps, at most a third
  std::optional<double> warmup_ratio;  ///< of the steps
  ScheduleName schedule = ScheduleName::linear;
  double weight_decay = 0, clip = 1;
  std::filesystem::path init_adapter;  ///< a PEFT folder whose weights training begins with; empty: a new adapter
  bool any_base = false;               ///< init_adapter may be for another base
  std::optional<Index> rank;           ///< none: that of init_adapter, or 8
  std::optional<double> alpha, dropout;          ///< 16, 0.05
  std::optional<std::vector<std::string>> targets;  ///< q_proj, v_proj
  std::optional<bool> rslora;                       ///< false
  Index cutoff = 256, validation = 200;
  std::optional<double> validation_share;  ///< of the records, decides validation
  bool response_only = false;
  bool pad_left = true;  ///< the first token of a shorter text is asked of the padding before it
  Index multiple = 8;
  bool mean_of_tokens = false;  ///< in place of the mean of the micro-batches' means
  bool group_by_length = false;
  Index evaluate_every = 50, save_every = 50, keep = 3, patience = 0;
  bool evaluate_first = false;  ///< before the first step too
  bool resume = false, overwrite = false, json = false;
};

struct EvaluateArguments {
  BaseArguments base;
  std::filesystem::path adapter, data, prompt, picture;  ///< all but data may be empty
  std::optional<RecordKind> kind;                        ///< of the data; none: as its first record shows
  std::string chat_template;                             ///< of conversations: a name, or a file's; empty: the adapter's training's, or the model's own
  std::vector<std::string> labels;                       ///< empty: every output that the data has
  std::optional<Index> cutoff;                           ///< tokens of a prompt and its answer; none: the adapter's training's
  bool any_base = false, overwrite = false, json = false;
};

struct PredictArguments {
  BaseArguments base;
  std::filesystem::path adapter, prompt;   ///< may be empty
  std::optional<std::string> instruction;  ///< none: the one that all of the adapter's records had
  std::vector<std::string> labels;         ///< empty: those that the adapter learnt
  std::optional<Index> cutoff;             ///< as of EvaluateArguments
  Index max_tokens = 256;                  ///< of an answer that is no label
  bool any_base = false, json = false;
};

struct ChatArguments {
  BaseArguments base;
  std::vector<AdapterArgument> adapters;
  std::filesystem::path prompt;            ///< empty: the first adapter's own, or else Alpaca's
  std::optional<std::string> instruction;  ///< none: the one that all of the first adapter's records had
  Index max_tokens = 256;
  bool any_base = false;
};

struct MergeArguments {
  BaseArguments base{.model = {}, .format = tfm::Format::f32};
  std::vector<AdapterArgument> adapters;
  std::filesystem::path out, text;  ///< text: empty: the first adapter's validation.json, or else its prompt
  std::optional<tfm::Format> type;  ///< of the folder's tensors; none: as the base's file has them
  bool any_base = false, overwrite = false, json = false;
};

using Arguments = std::variant<PrepareArguments, TrainArguments, EvaluateArguments, PredictArguments, ChatArguments, MergeArguments>;

/// The commands. Each returns the program's exit code; errors are thrown.
int run(const PrepareArguments& arguments);
int run(const TrainArguments& arguments);
int run(const EvaluateArguments& arguments);
int run(const PredictArguments& arguments);
int run(const ChatArguments& arguments);
int run(const MergeArguments& arguments);

}  // namespace cli
