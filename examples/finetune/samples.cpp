#include "samples.hpp"

#include <algorithm>

#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/alpaca_samples.hpp"
#include "tfm/train/data/preflight.hpp"

namespace cli {

namespace {
bool any_label(const std::vector<tfm::CausalSample>& samples) {
  return std::any_of(samples.begin(), samples.end(), [](const tfm::CausalSample& sample) { return tfm::label_count(sample) > 0; });
}
}  // namespace

Samples samples_of(const TrainArguments& arguments, Records records, const Base& base) {
  Samples samples{.records = std::move(records), .texts = {}, .split = {}, .training = {}, .validation = {}, .cutoff = arguments.cutoff};
  TalkSamples talks;
  if (samples.records.talks) talks = talk_samples(*samples.records.talks, base, arguments.cutoff, arguments.data);
  samples.texts = samples.records.talks ? tfm::distinct_texts(samples.records.talks->records) : tfm::distinct_texts(samples.records.alpaca);
  samples.split = tfm::split_by_text(samples.texts, arguments.validation, arguments.split_seed);
  if (samples.split.validation.empty() && arguments.validation > 0)
    tfm::raise(tfm::OptionError("tfm: " + arguments.data.string() + ": no text is so rare that its copies are among " + std::to_string(arguments.validation) +
                                " validation samples; give a greater --validation, or 0"));
  const tfm::AlpacaOptions options{.cutoff = arguments.cutoff, .response_only = arguments.response_only};
  const auto made = [&](const std::vector<Index>& which) {
    if (!samples.records.talks) return tfm::alpaca_samples(base.loaded.tokenizer, base.prompt.prompt, samples.records.alpaca, which, options);
    std::vector<tfm::CausalSample> out;
    for (const Index i : which) {
      samples.cut += talks.cut[tfm::to_size(i)] ? 1 : 0, samples.unstopped += talks.unstopped[tfm::to_size(i)];
      out.push_back(std::move(talks.samples[tfm::to_size(i)]));
    }
    return out;
  };
  samples.training = made(samples.split.training);
  samples.validation = made(samples.split.validation);
  if (!any_label(samples.training))
    tfm::raise(tfm::LoadError("tfm: " + arguments.data.string() + ": there is nothing to learn: no token of the " + std::to_string(samples.training.size()) +
                              " training samples has a label; they are cut to --cutoff " + std::to_string(arguments.cutoff) + " tokens" +
                              (samples.records.talks ? ", of which none is the assistant's"
                               : arguments.response_only ? ", of which none is of an output, and --response-only learns outputs alone"
                                                         : "") + "; give a greater --cutoff"));
  return samples;
}

bool Samples::can_measure() const { return any_label(validation); }

std::string common_instruction(const std::vector<tfm::AlpacaRecord>& records) {
  const auto same = [&](const tfm::AlpacaRecord& record) { return record.instruction == records.front().instruction; };
  return !records.empty() && std::all_of(records.begin(), records.end(), same) ? records.front().instruction : "";
}

double tokens_of(const std::vector<tfm::CausalSample>& samples) {
  double n = 0;
  for (const auto& sample : samples) n += static_cast<double>(sample.ids.size());
  return n;
}

}  // namespace cli
