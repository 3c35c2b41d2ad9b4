// tfm prove: one script of tokens read in many ways, which must all give the same bits, and the hash of those bits.
#include <array>
#include <bit>
#include <cstring>

#include "model.hpp"
#include "support/interrupt.hpp"
#include "support/json_output.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/formats/sha256.hpp"

namespace cli {

namespace {

using tfm::Index;
using tfm::Isa;
using tfm::Token;

// The script. Another one would give other hashes: it changes together with its number alone.
constexpr int script = 1;
constexpr std::array<Index, 3> prompt_lengths{1, 40, 270};  // the last is more than one piece of attention
constexpr Index continuation = 16;
/// Fast arithmetic as it is run by default, exact as the golden tests run it.
constexpr std::array<std::pair<tfm::Arithmetic, tfm::Format>, 2> settings{{{tfm::Arithmetic::exact, tfm::Format::f32}, {tfm::Arithmetic::fast, tfm::Format::f16}}};

/// Any tokens, which depend on the vocabulary's size alone: a model without a tokenizer can be proved too.
std::vector<Token> prompt(std::size_t number, Index context, Index vocabulary) {
  const Index length = std::min(prompt_lengths[number], std::max<Index>(1, context - continuation));
  std::vector<Token> ids;
  for (Index i = 0; i < length; ++i) ids.push_back(static_cast<Token>((104729 * (static_cast<Index>(number) + 1) + 7919 * i) % vocabulary));
  return ids;
}

/// How the sequences are read.
struct Way {
  enum Pieces { decoded, whole, seven, sixty_four };  ///< decoded: the prompt at once, then token by token
  Isa isa;
  Pieces pieces;
  int threads;
  bool together;  ///< in one batch; else one after the other

  std::string text(tfm::Arithmetic arithmetic) const {
    constexpr std::array<const char*, 4> read{"the prompt at once, then token by token", "all tokens at once", "pieces of 7 tokens", "pieces of 64 tokens"};
    return std::string(name(isa)) + ", " + std::string(name(arithmetic)) + " arithmetic, " + read[pieces] + (together ? ", all sequences in a batch" : ", each sequence alone") +
           ", threads: " + std::to_string(threads);
  }
};

/// Every way by the best instruction set, and two that go through all kernels by each of the others.
std::vector<Way> ways_by(const std::vector<Isa>& isas) {
  const Isa best = isas.back();
  std::vector<Way> ways{{best, Way::whole, 2, false},      {best, Way::decoded, 3, false}, {best, Way::seven, 3, false}, {best, Way::sixty_four, 1, false},
                        {best, Way::whole, 3, true},       {best, Way::decoded, 1, true},  {best, Way::seven, 2, true}};
  for (std::size_t i = 0; i + 1 < isas.size(); ++i) {
    ways.push_back({isas[i], Way::decoded, 2, false});
    ways.push_back({isas[i], Way::seven, 3, true});
  }
  return ways;
}

/// A prompt and what follows it, and the logits after each token.
struct Sequence {
  std::vector<Token> ids;
  Index prompt = 0;
  tfm::Buffer logits;

  Index length() const { return static_cast<Index>(ids.size()); }
};

class Prover {
  const tfm::AnyModel& model_;
  tfm::Arithmetic arithmetic_;
  tfm::KvCache cache_;
  std::array<Sequence, prompt_lengths.size()> sequences_;
  tfm::Buffer found_;

  tfm::Context context(Isa isa, int threads) const {
    tfm::Context context(threads);
    context.isa = isa;
    context.arithmetic = arithmetic_;
    context.stop = interrupt_token();
    return context;
  }

  /// Tokens of the next piece.
  static Index next_piece(const Sequence& sequence, Index at, Way::Pieces pieces) {
    const Index left = sequence.length() - at;
    switch (pieces) {
      case Way::decoded: return at < sequence.prompt ? sequence.prompt - at : std::min<Index>(1, left);
      case Way::whole: return left;
      case Way::seven: return std::min<Index>(7, left);
      default: return std::min<Index>(64, left);
    }
  }

  void compare(const Way& way, std::size_t number, Index token, const float* found) const {
    const float* const expected = sequences_[number].logits.view().row(token);
    if (std::memcmp(found, expected, tfm::to_size(model_.shape.vocab) * sizeof(float)) == 0) return;
    Index at = 0;
    while (std::bit_cast<std::uint32_t>(found[at]) == std::bit_cast<std::uint32_t>(expected[at])) ++at;
    tfm::raise<tfm::Error>({"tfm: not the same bits: ", way.text(arithmetic_), ": after token ", token, " of sequence ", number, " logit ", at, " is ",
                            tfm::number_text(found[at]), ", expected ", tfm::number_text(expected[at])});
  }

  /// Reads some of the sequences side by side, and compares.
  void hold(tfm::Context& context, const Way& way, std::span<const std::size_t> group) {
    for (std::size_t i = 0; i < sequences_.size(); ++i) cache_.truncate(static_cast<Index>(i), 0);
    for (;;) {
      std::vector<Index> start{0}, position, slot;
      std::vector<Token> ids;
      for (const std::size_t number : group) {
        const Sequence& sequence = sequences_[number];
        const Index at = cache_.length(static_cast<Index>(number)), n = next_piece(sequence, at, way.pieces);
        if (n == 0) continue;
        ids.insert(ids.end(), sequence.ids.begin() + at, sequence.ids.begin() + at + n);
        start.push_back(static_cast<Index>(ids.size()));
        position.push_back(at);
        slot.push_back(static_cast<Index>(number));
      }
      if (ids.empty()) return;
      model_.forward(context, {.start = start, .position = position, .slot = slot}, ids, cache_, tfm::Logits::all, found_.view().slice(0, start.back()));
      for (std::size_t s = 0; s < slot.size(); ++s)
        for (Index t = start[s]; t < start[s + 1]; ++t)
          compare(way, tfm::to_size(slot[s]), position[s] + t - start[s], found_.view().row(t));
    }
  }

 public:
  /// Writes the script's continuations: greedily, on one thread.
  Prover(const tfm::AnyModel& model, tfm::Arithmetic arithmetic, tfm::Format cache, Isa isa) : model_(model), arithmetic_(arithmetic) {
    const Index vocabulary = model.shape.vocab, positions = std::min(model.shape.context, prompt_lengths.back() + continuation);
    cache_ = model.make_cache(static_cast<Index>(sequences_.size()), positions, cache);
    tfm::Context one = context(isa, 1);
    Index tokens = 0;
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      Sequence& sequence = sequences_[i];
      sequence.ids = prompt(i, positions, vocabulary);
      sequence.prompt = sequence.length();
      const Index total = std::min(positions, sequence.prompt + continuation);
      sequence.logits = tfm::Buffer(total, vocabulary);
      for (Index at = 0; at < total;) {
        const Index n = sequence.length() - at, start[] = {0, n}, position[] = {at}, slot[] = {static_cast<Index>(i)};
        model.forward(one, {.start = start, .position = position, .slot = slot}, std::span<const Token>(sequence.ids).last(tfm::to_size(n)), cache_,
                      tfm::Logits::all, sequence.logits.view().slice(at, n));
        at += n;
        const float* const last = sequence.logits.view().row(at - 1);
        if (at < total) sequence.ids.push_back(static_cast<Token>(std::max_element(last, last + vocabulary) - last));
      }
      tokens += total;
    }
    found_ = tfm::Buffer(tokens, vocabulary);
  }

  /// Errors: Error, saying where, unless all bits are the same.
  void hold(const Way& way) {
    tfm::Context worker = context(way.isa, way.threads);
    constexpr std::array<std::size_t, prompt_lengths.size()> all{0, 1, 2};
    if (way.together) return hold(worker, way, all);
    for (const std::size_t& number : all) hold(worker, way, std::span(&number, 1));
  }

  Index tokens() const { return found_.view().rows; }

  void add_to(tfm::Sha256& hash) const {
    hash.add_text(name(arithmetic_));
    for (const Sequence& sequence : sequences_) {
      hash.add_number(sequence.length());
      for (const Token id : sequence.ids) hash.add_number(id);
      hash.add(std::as_bytes(std::span(sequence.logits.view().data, tfm::to_size(sequence.length() * model_.shape.vocab))));
    }
  }
};

/// Those that this CPU has and that promise the same bits, the best last; or the one that was named.
std::vector<Isa> isas_of(const ProveArguments& arguments) {
  std::vector<Isa> isas;
  for (int i = 0; i < tfm::isa_count; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (supported(isa) && has_fma(isa) && isa == arguments.isa.value_or(isa)) isas.push_back(isa);
  }
  if (isas.empty() && arguments.isa && !supported(*arguments.isa))
    tfm::raise<tfm::OptionError>({"tfm: --isa is ", name(*arguments.isa), ", which this CPU does not have"});
  if (isas.empty())
    tfm::raise<tfm::Error>({"tfm: nothing can be proved by ", name(Isa::baseline),
                            " instructions: they have no fused multiply-add, without which sums are rounded otherwise than on CPUs that have it (AVX2 and later, NEON)"});
  return isas;
}

}  // namespace

int run(const ProveArguments& arguments) {
  const std::vector<Isa> isas = isas_of(arguments);
  const Loaded loaded = open_model(arguments.model);
  const std::vector<Way> ways = ways_by(isas);
  tfm::Sha256 hash;
  hash.add_text("tfm prove").add_number(script).add_number(loaded.model.shape.vocab);
  Index tokens = 0, done = 0;
  const Index held = static_cast<Index>(settings.size() * (ways.size() + 1));
  {
    ProgressBar bar;
    bar.begin();
    for (const auto& [arithmetic, cache] : settings) {
      Prover prover(loaded.model, arithmetic, cache, isas.back());
      bar.update({"proving", ++done, held});
      for (const Way& way : ways) {
        prover.hold(way);
        bar.update({"proving", ++done, held});
      }
      tokens = prover.tokens();
      prover.add_to(hash);
    }
  }
  const std::string digits = hash.digits();
  if (!arguments.expected.empty() && arguments.expected != digits)
    tfm::raise<tfm::Error>({"tfm: ", arguments.model.model.string(), ": the SHA-256 is ", digits, ", expected ", arguments.expected});
  std::vector<std::string> names;
  for (const Isa isa : isas) names.emplace_back(name(isa));
  if (arguments.json) {
    print_json({{"sha256", digits}, {"script", script}, {"instruction_sets", names}, {"ways", held}, {"tokens", tokens}});
    return success;
  }
  std::string by;
  for (const std::string& isa : names) by += (by.empty() ? "" : ", ") + isa;
  print("SHA-256  " + digits + "\nthe same bits by " + by + "\nin " + std::to_string(held) + " ways: alone and in a batch, at once, in pieces and token by token, on 1, 2 and 3 threads\n" +
        "script " + std::to_string(script) + ", " + std::to_string(tokens) + " tokens, in exact and in fast arithmetic\n");
  return success;
}

}  // namespace cli
