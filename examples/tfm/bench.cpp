// tfm bench: speed and memory.
#include <cstdio>

#include "model.hpp"
#include "support/json_output.hpp"
#include "support/peak_memory.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"

namespace cli {

namespace {

using tfm::Index;
using tfm::Token;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Any tokens: speed does not depend on them.
std::vector<Token> some_tokens(Index n, Index vocabulary) {
  std::vector<Token> tokens;
  for (Index i = 0; i < n; ++i) tokens.push_back(static_cast<Token>((i * 7919 + 3) % vocabulary));
  return tokens;
}

template <class F>
double seconds_of(F&& work) {
  const double begin = seconds();
  work();
  return seconds() - begin;
}

struct Times {
  std::vector<double> load, prefill, decode;
};

/// What a token costs whatever the computer: the values that it is multiplied with, and the bytes that are read for it.
struct Costs {
  Index layer_parameters = 0, quantised_parameters = 0;  ///< in the layers' products; those of quantised formats among them
  Index output_parameters = 0;                           ///< what hidden states become logits by; prefill needs it for one token
  Index weight_bytes = 0;                                ///< of the layers and the output, packed
  Index cache_bytes = 0;                                 ///< for each token that the context holds
};

Costs costs_of(const tfm::AnyModel& model, tfm::Format cache) {
  Costs costs;
  visit_weights(model, "", [&](const std::string&, const auto& weight, tfm::WeightRole role) {
    if constexpr (requires { weight.bytes(); }) {
      const bool output = static_cast<const void*>(&weight) == static_cast<const void*>(&model.output());
      if (role == tfm::WeightRole::embedding && !output) return;  // a row of it is read
      costs.weight_bytes += weight.bytes();
      const Index parameters = weight.rows() * weight.cols();
      (output ? costs.output_parameters : costs.layer_parameters) += parameters;
      if (!output && is_quantised(weight.format())) costs.quantised_parameters += parameters;
    }
  });
  const tfm::CacheShape shape{model.shape.layers, model.shape.kv_heads, head_dim(model.shape), 16, 1, cache};
  costs.cache_bytes = shape.bytes() / shape.context;  // positions are kept in sixteens
  return costs;
}

struct Measured {
  Times times;
  Costs costs;
};

/// Calls work() once, and then as often as counts, with what it returns in `times`.
template <class F>
void repeat(const BenchArguments& arguments, const char* what, std::vector<double>& times, F&& work) {
  ProgressBar bar;
  bar.begin();
  for (int i = 0; i <= arguments.repetitions; ++i) {
    const double time = work();
    if (i > 0) times.push_back(time);
    bar.update({what, i + 1, arguments.repetitions + 1});
  }
}

Measured measure(const BenchArguments& arguments) {
  Measured measured;
  Times& times = measured.times;
  {
    std::optional<Loaded> loaded;
    repeat(arguments, "loading", times.load, [&] {
      loaded.reset();  // before the next is loaded: memory is that of one model
      return seconds_of([&] { loaded.emplace(load_model(arguments.model)); });
    });
    measured.costs = costs_of(loaded->model, cache_format(arguments.model));
    tell_notes(loaded->notes);
    ModelArguments model = arguments.model;
    model.context = std::max(arguments.prompt, arguments.depth + arguments.generate);
    tfm::Session session(loaded->model, session_options(model, loaded->model));
    const std::vector<Token> tokens = some_tokens(model.context, loaded->model.shape.vocab);
    const std::span<const Token> all = tokens;
    repeat(arguments, "prefill", times.prefill, [&] {
      session.truncate(0);
      return seconds_of([&] { session.evaluate(all.first(tfm::to_size(arguments.prompt))); });
    });
    session.truncate(0);
    session.evaluate(all.first(tfm::to_size(arguments.depth)));
    repeat(arguments, "decode", times.decode, [&] {
      session.truncate(arguments.depth);
      return seconds_of([&] {
        for (Index i = 0; i < arguments.generate; ++i)
          session.evaluate(all.subspan(tfm::to_size(arguments.depth + i), 1));
      });
    });
  }
  return measured;
}

}  // namespace

int run(const BenchArguments& arguments) {
  const auto [times, costs] = measure(arguments);
  const double prefill = static_cast<double>(arguments.prompt) / median(times.prefill);
  const double decode = static_cast<double>(arguments.generate) / median(times.decode), load = median(times.load);
  const Index memory = peak_memory_bytes();
  if (arguments.json) {
    print_json({{"prefill_tokens_per_second", prefill},
                {"decode_tokens_per_second", decode},
                {"load_seconds", load},
                {"peak_memory_bytes", memory},
                {"layer_parameters", costs.layer_parameters},
                {"quantised_parameters", costs.quantised_parameters},
                {"output_parameters", costs.output_parameters},
                {"weight_bytes_per_token", costs.weight_bytes},
                {"cache_bytes_per_token", costs.cache_bytes}});
    return success;
  }
  char text[512];
  std::snprintf(text, sizeof text,
                "prefill  %10.1f tokens/s   (%ld tokens)\n"
                "decode   %10.1f tokens/s   (%ld tokens after %ld)\n"
                "load     %10.3f s\n"
                "memory   %10.1f MiB        (peak)\n"
                "reading  %10.1f MiB a token, and %.1f KiB for each that the context holds\n"
                "medians of %d, %d threads, %s, arithmetic %s\n",
                prefill, static_cast<long>(arguments.prompt), decode, static_cast<long>(arguments.generate),
                static_cast<long>(arguments.depth), load, static_cast<double>(memory) / static_cast<double>(tfm::MiB),
                static_cast<double>(costs.weight_bytes) / static_cast<double>(tfm::MiB), static_cast<double>(costs.cache_bytes) / 1024,
                arguments.repetitions, thread_count(arguments.model), std::string(name(arguments.model.isa)).c_str(),
                std::string(name(arguments.model.arithmetic)).c_str());
  print(text);
  return success;
}

}  // namespace cli
