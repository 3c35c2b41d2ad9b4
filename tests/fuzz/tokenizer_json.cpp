// libFuzzer over tokenizer.json, what is made of it, and a text that goes through it: every end but a tfm::Error is a fault.
//   cmake --preset clang -DTFM_FUZZ=ON && cmake --build build-clang --target fuzz_tokenizer_json
//   build-clang/tests/fuzz_tokenizer_json -max_total_time=300 -rss_limit_mb=2048 CORPUS
// A corpus to begin with: python3 ../shared/hostile/make_hostile.py --only json --out CORPUS.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tfm/checkpoint/tokenizer_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const tfm::AnyTokenizer tokenizer = tfm::read_tokenizer_json(tfm::JsonDocument(text, "tokenizer.json")).tokenizer;
    const auto ids = tokenizer.encode({tfm::UserText{"ab <s> \xc3\xa9\xff 12  x\n"}, tfm::TemplateText{text.substr(0, 200)}});
    tokenizer.decode(ids);
    for (const tfm::Token token : tokenizer.encode(tfm::UserText{text.substr(0, 200)}))
      if (tokenizer.is_control(token)) __builtin_trap();
  } catch (const tfm::Error&) {
  }
  return 0;
}
