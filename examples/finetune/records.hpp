#pragma once
// What an adapter learns from or is measured with: records of instruction, input and output, or conversations.
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base.hpp"
#include "tfm/train/data/conversation_samples.hpp"

namespace cli {

struct Records {
  std::vector<tfm::AlpacaRecord> alpaca;
  std::optional<tfm::Conversations> talks;  ///< none: they are Alpaca's

  Index size() const { return talks ? std::ssize(talks->records) : std::ssize(alpaca); }
  /// Those that `which` names, as JSON; empty where there are none.
  std::string json(std::span<const Index> which) const;
};

/// Of a kind, or of the one that the first record shows. Errors: LoadError.
Records read_records(const std::filesystem::path& file, std::optional<RecordKind> kind);

/// The samples that conversations become, in their order.
struct TalkSamples {
  std::vector<tfm::CausalSample> samples;
  std::vector<bool> cut;
  std::vector<Index> unstopped;
};

/// Conversations that the template refuses are left out and counted, among the records too. Errors: LoadError where
/// none is left.
TalkSamples talk_samples(tfm::Conversations& talks, const Base& base, Index cutoff, const std::filesystem::path& file);

}  // namespace cli
