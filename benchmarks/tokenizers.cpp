// Encoding and decoding of a text by the tokenizer of a model: bytes a second of one thread.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tfm/checkpoint/load_tokenizer.hpp"

namespace {

/// The least seconds of some repetitions.
template <class F>
double seconds(int repetitions, F&& f) {
  double least = 1e9;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "tokenizers MODEL TEXT [REPETITIONS]: a GGUF file or a folder with tokenizer.json, and a file of UTF-8\n");
    return 1;
  }
  std::ifstream file(arguments[2], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const int repetitions = count > 3 ? std::atoi(arguments[3]) : 5;
  tfm::AnyTokenizer tokenizer;
  const double load = seconds(1, [&] { tokenizer = tfm::load_tokenizer(arguments[1]); });
  std::vector<tfm::Token> ids;
  std::string back;
  const double encode = seconds(repetitions, [&] { ids = tokenizer.encode(tfm::UserText{text}); });
  const double decode = seconds(repetitions, [&] { back = tokenizer.decode(ids); });
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  std::printf("load %.1f ms, %zu bytes, %zu tokens, encode %.2f MB/s, decode %.2f MB/s, %s\n", load * 1e3, text.size(), ids.size(), megabytes / encode,
              megabytes / decode, back == text ? "the same text" : "another text");
}
