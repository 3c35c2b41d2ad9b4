// What load_llama.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::shared_ptr<InBackground<OpenedCheckpoint>> read_beside(const Opening& opening) {
  OpenedCheckpoint text;
  text.file = opening.opened.file;
  text.shape = opening.opened.shape;
  return std::make_shared<InBackground<OpenedCheckpoint>>([text, add = opening.add_text]() mutable {
    add(text);
    return std::move(text);
  });
}

TFM_INLINE void take_text(OpenedCheckpoint& opened, OpenedCheckpoint text) {
  opened.tokenizer = std::move(text.tokenizer);
  opened.jinja = std::move(text.jinja);
  opened.stop_tokens = std::move(text.stop_tokens);
  opened.notes = std::move(text.notes);
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
