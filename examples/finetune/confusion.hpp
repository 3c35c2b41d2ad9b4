#pragma once
// Confusion: which labels were meant and which were given, and the figures that are made of that.
#include <algorithm>
#include <string>
#include <vector>

#include "tfm/core/index.hpp"

namespace cli {

using tfm::Index;

/// Counts of records by the label that they have (row) and that they were given (column). Where none was given, `other`
/// counts it.
struct Confusion {
  std::vector<std::vector<Index>> counts;
  std::vector<Index> other;

  explicit Confusion(std::size_t labels) : counts(labels, std::vector<Index>(labels)), other(labels) {}

  Index meant(std::size_t label) const {
    Index n = other[label];
    for (const Index each : counts[label]) n += each;
    return n;
  }
  Index given(std::size_t label) const {
    Index n = 0;
    for (const auto& row : counts) n += row[label];
    return n;
  }
  Index all() const {
    Index n = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) n += meant(i);
    return n;
  }

  double accuracy() const {
    Index right = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) right += counts[i][i];
    return share(right, all());
  }
  /// The share of the commonest label: what is right without looking.
  double majority() const {
    Index most = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) most = std::max(most, meant(i));
    return share(most, all());
  }
  /// Of the records that were given the label, the share that have it; 0 where none was given it.
  double precision(std::size_t label) const { return share(counts[label][label], given(label)); }
  /// Of the records that have the label, the share that were given it; 0 where none has it.
  double recall(std::size_t label) const { return share(counts[label][label], meant(label)); }
  /// 2 TP / (2 TP + FP + FN); 0 where that is 0 / 0.
  double f1(std::size_t label) const { return share(2 * counts[label][label], meant(label) + given(label)); }
  /// The mean over the labels, those that no record has included.
  double macro_f1() const {
    double sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) sum += f1(i);
    return sum / static_cast<double>(counts.size());
  }

 private:
  static double share(Index part, Index whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0; }
};

}  // namespace cli
