// What tensor_store.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE Index Tensor::size() const noexcept {
  if (bytes.empty()) return 0;  // where a size is 0 the others need not fit
  Index n = 1;
  for (const Index dim : shape) n *= dim;
  return n;
}

TFM_INLINE TensorSource TensorSource::mapped(const std::filesystem::path& path) {
  auto mapping = MappedFile::open(path);
  return {mapping->name(), mapping->bytes(), mapping, mapping};
}

TFM_INLINE TensorSource TensorSource::borrowed(std::span<const std::byte> bytes, std::string file,
                             std::shared_ptr<const void> owner) {
  if (is_lfs_pointer(text_of(bytes))) detail::fail(file, lfs_pointer_text(text_of(bytes)));
  return {std::move(file), bytes, {}, std::move(owner)};
}

namespace detail {

TFM_INLINE bool Extent::operator<(const Extent& other) const noexcept {
  return begin != other.begin ? begin < other.begin : size != other.size ? size < other.size : index < other.index;
}

}  // namespace detail

TFM_INLINE const TensorSource* TensorStore::source_of(std::span<const std::byte> bytes) const noexcept {
  for (const auto& source : sources_) {
    const auto* const start = source.bytes.data();
    if (bytes.data() >= start && bytes.data() + bytes.size() <= start + source.bytes.size()) return &source;
  }
  return nullptr;
}

TFM_INLINE const TensorSource* TensorStore::mapped_source_of(const Tensor& tensor) const noexcept {
  const TensorSource* const source = source_of(tensor.bytes);
  return source != nullptr && source->mapping ? source : nullptr;
}

TFM_INLINE void TensorStore::sort_names() {
  by_name_.resize(tensors_.size());
  for (std::size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = static_cast<std::uint32_t>(i);
  std::sort(by_name_.begin(), by_name_.end(), [&](auto a, auto b) { return tensors_[a].name < tensors_[b].name; });
  const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                        [&](auto a, auto b) { return tensors_[a].name == tensors_[b].name; });
  if (twice == by_name_.end()) return;
  const Tensor &first = tensors_[std::min(twice[0], twice[1])], &second = tensors_[std::max(twice[0], twice[1])];
  if (sources_.size() < 2) detail::fail(file_, {"tensor ", in_quotes(first.name), " is there twice"});
  detail::fail(file_, {"tensor ", in_quotes(first.name), " is in ", file_of(first), " and again in ", file_of(second)});
}

TFM_INLINE TensorStore::TensorStore(TensorSource source, std::vector<Tensor> tensors,
            std::vector<std::pair<std::string, std::string>> metadata) : file_(source.file), tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
  sources_.push_back(std::move(source));
  sort_names();
}

TFM_INLINE TensorStore TensorStore::merge(std::vector<TensorStore> parts, std::string file) {
  TensorStore all;
  all.file_ = std::move(file);
  for (auto& part : parts) {
    std::move(part.sources_.begin(), part.sources_.end(), std::back_inserter(all.sources_));
    std::move(part.tensors_.begin(), part.tensors_.end(), std::back_inserter(all.tensors_));
    if (all.metadata_.empty()) all.metadata_ = std::move(part.metadata_);
  }
  all.sort_names();
  return all;
}

TFM_INLINE const Tensor* TensorStore::find(std::string_view name) const noexcept {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [&](auto i, std::string_view wanted) { return tensors_[i].name < wanted; });
  return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

TFM_INLINE const Tensor& TensorStore::at(std::string_view name) const {
  if (const Tensor* const tensor = find(name)) return *tensor;
  detail::fail(file_, {"tensor ", in_quotes(name), " is missing"});
}

TFM_INLINE const std::string& TensorStore::file_of(const Tensor& tensor) const noexcept {
  const TensorSource* const source = source_of(tensor.bytes);
  return source != nullptr ? source->file : file_;
}

TFM_INLINE std::shared_ptr<const void> TensorStore::owner(const Tensor& tensor) const noexcept {
  const TensorSource* const source = source_of(tensor.bytes);
  return source != nullptr ? source->owner : nullptr;
}

TFM_INLINE void TensorStore::drop(const Tensor& tensor) const noexcept {
  if (const TensorSource* const source = mapped_source_of(tensor)) source->mapping->drop(tensor.bytes);
}

TFM_INLINE void TensorStore::fetch(const Tensor& tensor, std::size_t ahead) const noexcept {
  const TensorSource* const source = mapped_source_of(tensor);
  if (source == nullptr) return;
  const auto until_end = static_cast<std::size_t>(source->bytes.data() + source->bytes.size() - tensor.bytes.data());
  source->mapping->fetch({tensor.bytes.data(), std::min(tensor.bytes.size() + ahead, until_end)});
}

TFM_INLINE bool TensorStore::resident(const Tensor& tensor) const noexcept {
  const TensorSource* const source = mapped_source_of(tensor);
  return source == nullptr || source->mapping->resident(tensor.bytes);
}

}  // namespace tfm::inline TFM_ABI
