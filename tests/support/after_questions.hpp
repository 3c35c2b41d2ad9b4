#pragma once
// AfterQuestions: a stop token that says yes when it is asked for the n-th time.
#include <atomic>
#include <memory>

namespace tfm_test {

struct AfterQuestions {
  std::shared_ptr<std::atomic<int>> left;

  explicit AfterQuestions(int n) : left(std::make_shared<std::atomic<int>>(n)) {}
  bool stop_requested() const { return left->fetch_sub(1) <= 0; }
};

}  // namespace tfm_test
