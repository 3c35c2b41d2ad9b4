// What chat_format.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE ChatFormat plain_format() {
  return {.name = "plain", .system_after = "\n", .closing = "\n", .stop_tokens = {"{eos}"}};
}

TFM_INLINE ChatFormat chatml_format() {
  return {.name = "chatml",
          .system_before = "<|im_start|>system\n",
          .system_after = "<|im_end|>\n",
          .user_before = "<|im_start|>user\n",
          .user_after = "<|im_end|>\n",
          .opening = "<|im_start|>assistant\n",
          .closing = "<|im_end|>\n",
          .stop_tokens = {"<|im_end|>"}};
}

TFM_INLINE ChatFormat llama2_format() {
  return {.name = "llama2",
          .system_before = "<<SYS>>\n",
          .system_after = "\n<</SYS>>\n\n",
          .system_within_user = true,
          .user_before = "{bos}[INST] ",
          .user_after = " [/INST]",
          .gap = " ",
          .closing = " {eos}",
          .trim_user = true,
          .trim_reply = true,
          .stop_tokens = {"{eos}"}};
}

TFM_INLINE ChatFormat alpaca_format() {
  return {.name = "alpaca",
          .system_after = "\n\n",
          .user_before = "### Instruction:\n",
          .user_after = "\n\n",
          .opening = "### Response:\n",
          .closing = "{eos}\n\n",
          .default_system = std::string(alpaca_preamble),
          .stop_tokens = {"{eos}"},
          .stop_strings = {"\n\n### Instruction:", "### Instruction:"}};
}

TFM_INLINE std::vector<ChatFormat> known_chat_formats() {
  return {plain_format(), chatml_format(), llama2_format(), alpaca_format()};
}

TFM_INLINE std::string chat_format_names() {
  std::string names;
  for (const ChatFormat& format : known_chat_formats()) names += (names.empty() ? "" : ", ") + format.name;
  return names;
}

}  // namespace tfm::inline TFM_ABI
