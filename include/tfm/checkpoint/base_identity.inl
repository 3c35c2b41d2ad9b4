// What base_identity.hpp declares.
#include <algorithm>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::string hash_of(const TensorStore& store) {
  constexpr Index pieces = 16, piece = 4096;
  std::vector<const Tensor*> tensors;
  for (const Tensor& tensor : store.tensors()) tensors.push_back(&tensor);
  std::sort(tensors.begin(), tensors.end(), [](const Tensor* a, const Tensor* b) { return a->name < b->name; });
  Sha256 hash;
  for (const Tensor* const tensor : tensors) {
    hash.add_text(tensor->name).add_text(std::string(name(tensor->type)));
    for (const Index size : tensor->shape) hash.add_number(size);
    const auto bytes = static_cast<Index>(tensor->bytes.size());
    if (bytes <= pieces * piece) {
      hash.add(tensor->bytes);
    } else {
      for (Index i = 0; i < pieces; ++i)
        hash.add(tensor->bytes.subspan(to_size((bytes - piece) / (pieces - 1) * i), to_size(piece)));
    }
  }
  return hash.digits();
}

TFM_INLINE std::string hash_of(const AnyTokenizer& tokenizer) {
  Sha256 hash;
  for (Index i = 0; i < tokenizer.size(); ++i) hash.add_text(tokenizer.piece(static_cast<Token>(i)));
  const SpecialTokens& special = tokenizer.special();
  for (const auto& token : {special.bos, special.eos, special.unknown, special.pad}) hash.add_number(token.value_or(-1));
  return hash.digits();
}

}  // namespace detail

TFM_INLINE std::string prompt_hash(const AlpacaPrompt& prompt) {
  return prompt_hash(prompt.prompt_input + '\0' + prompt.prompt_no_input + '\0' + prompt.response_split);
}

TFM_INLINE BaseIdentity base_identity(const OpenedCheckpoint& opened) {
  BaseIdentity identity;
  const std::filesystem::path path = std::filesystem::path(opened.file).lexically_normal();
  identity.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  identity.base = detail::hash_of(opened.tensors);
  if (opened.tokenizer) identity.tokenizer = detail::hash_of(opened.tokenizer);
  if (!opened.jinja.empty()) identity.prompt = prompt_hash(opened.jinja);
  return identity;
}

TFM_INLINE BaseIdentity base_identity(const std::filesystem::path& path, const TensorReader& read_bin) {
  return base_identity(open_checkpoint(path, read_bin));
}

}  // namespace tfm::inline TFM_ABI
