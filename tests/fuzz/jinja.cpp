// libFuzzer over chat templates in Jinja: every end but a tfm::Error is a fault; so is a text that its origins do not cover.
//   cmake --preset clang -DTFM_FUZZ=ON && cmake --build build-clang --target fuzz_jinja
//   build-clang/tests/fuzz_jinja -max_total_time=300 -rss_limit_mb=2048 CORPUS
// A corpus to begin with: the templates of ../shared/golden/data/templates (*.jinja), copied.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tfm/text/jinja/conversation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace jinja = tfm::jinja;
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    static const jinja::Value messages = jinja::from_json(
        R"([{"role": "system", "content": "S "}, {"role": "user", "content": "\u00fc<b> <think>x</think>"},
            {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function":
              {"name": "f", "arguments": {"x": [1.5, null]}}}]},
            {"role": "tool", "content": "{}"}])");
    jinja::Conversation conversation{.messages = messages, .tools = jinja::from_json("[{\"name\": \"f\"}]")};
    conversation.now = jinja::DateTime{2024, 9, 5, 14, 3, 9};
    conversation.variables = {{"bos_token", jinja::Value::of("<s>")}, {"enable_thinking", jinja::Value::of(false)}};
    const jinja::Limits limits{.steps = 200'000, .bytes = 16u << 20, .output = 1u << 20};
    const jinja::Rendered rendered = jinja::render(jinja::Template(source), conversation, limits);
    if ((rendered.runs.empty() ? 0 : rendered.runs.back().end) != rendered.text.size()) __builtin_trap();
  } catch (const tfm::Error&) {
  }
  return 0;
}
