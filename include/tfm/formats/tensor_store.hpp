#pragma once
// TensorStore: the named tensors of one file or several, as views into its bytes, which it keeps alive.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/data_type.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// A tensor in a file. Its bytes may lie at any address: numbers are copied out, not pointed at.
struct Tensor {
  std::string name;
  DataType type{};
  std::string type_name;     ///< as the file calls it
  std::vector<Index> shape;  ///< outermost first: a Linear's weight is [out, in]
  std::span<const std::byte> bytes;

  /// Whether its numbers are of this C++ type.
  template <class T>
  bool holds() const noexcept { return type == data_type_of<T>; }
  /// The number of values. Readers have checked that it fits.
  Index size() const noexcept {
    if (bytes.empty()) return 0;  // where a size is 0 the others need not fit
    Index n = 1;
    for (const Index dim : shape) n *= dim;
    return n;
  }
};

/// Bytes that tensors point into, and who keeps them: a mapping, any other owner, or nobody (then the caller does).
struct TensorSource {
  std::string file;  ///< its name in messages
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> mapping;
  std::shared_ptr<const void> owner;

  static TensorSource mapped(const std::filesystem::path& path) {
    auto mapping = MappedFile::open(path);
    return {mapping->name(), mapping->bytes(), mapping, mapping};
  }
  static TensorSource borrowed(std::span<const std::byte> bytes, std::string file,
                               std::shared_ptr<const void> owner = {}) {
    if (is_lfs_pointer(text_of(bytes))) detail::fail(file, lfs_pointer_text(text_of(bytes)));
    return {std::move(file), bytes, {}, std::move(owner)};
  }
};

namespace detail {
/// Where a tensor lies in its file's data, and which it is.
struct Extent {
  std::uint64_t begin, size;
  std::uint32_t index;

  bool operator<(const Extent& other) const noexcept {
    return begin != other.begin ? begin < other.begin : size != other.size ? size < other.size : index < other.index;
  }
};
inline void sort(std::vector<Extent>& extents) { std::sort(extents.begin(), extents.end()); }
}  // namespace detail

/// Immutable, cheap to move; copies share the bytes. What it returns points into it or into those bytes.
class TensorStore {
  std::string file_;
  std::vector<TensorSource> sources_;
  std::vector<Tensor> tensors_;
  std::vector<std::uint32_t> by_name_;  // indices of tensors_, sorted by name
  std::vector<std::pair<std::string, std::string>> metadata_;

  const TensorSource* source_of(std::span<const std::byte> bytes) const noexcept {
    for (const auto& source : sources_) {
      const auto* const start = source.bytes.data();
      if (bytes.data() >= start && bytes.data() + bytes.size() <= start + source.bytes.size()) return &source;
    }
    return nullptr;
  }
  // Null where the file is not mapped.
  const TensorSource* mapped_source_of(const Tensor& tensor) const noexcept {
    const TensorSource* const source = source_of(tensor.bytes);
    return source != nullptr && source->mapping ? source : nullptr;
  }
  void sort_names() {
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

 public:
  /// The most tensors that a reader accepts: more than any model has, few enough to bound the memory of their names.
  static constexpr Index most_tensors = 131'072;

  TensorStore() = default;
  /// `tensors` in the file's order, pointing into the source's bytes. `metadata` is what the file says of itself, as
  /// text. Throws LoadError where two have the same name.
  TensorStore(TensorSource source, std::vector<Tensor> tensors,
              std::vector<std::pair<std::string, std::string>> metadata = {})
      : file_(source.file), tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
    sources_.push_back(std::move(source));
    sort_names();
  }

  /// All the tensors of several stores in their order, under one name for messages. Throws LoadError where two of them
  /// have a tensor of the same name. The metadata is the first one's.
  static TensorStore merge(std::vector<TensorStore> parts, std::string file) {
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

  /// The file, or the folder of several, for messages.
  const std::string& file() const noexcept { return file_; }
  /// The files, in the order in which they were read, and what was copied out of them.
  std::span<const TensorSource> sources() const noexcept { return sources_; }
  std::span<const Tensor> tensors() const noexcept { return tensors_; }
  std::span<const std::pair<std::string, std::string>> metadata() const noexcept { return metadata_; }

  const Tensor* find(std::string_view name) const noexcept {
    const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                     [&](auto i, std::string_view wanted) { return tensors_[i].name < wanted; });
    return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
  }
  /// The tensor, or a LoadError that names the file and it.
  const Tensor& at(std::string_view name) const {
    if (const Tensor* const tensor = find(name)) return *tensor;
    detail::fail(file_, {"tensor ", in_quotes(name), " is missing"});
  }

  /// The file that a tensor of this store is in.
  const std::string& file_of(const Tensor& tensor) const noexcept {
    const TensorSource* const source = source_of(tensor.bytes);
    return source != nullptr ? source->file : file_;
  }
  /// Keeps a tensor's bytes alive without the store; empty where they are the caller's own.
  std::shared_ptr<const void> owner(const Tensor& tensor) const noexcept {
    const TensorSource* const source = source_of(tensor.bytes);
    return source != nullptr ? source->owner : nullptr;
  }
  /// Gives the memory of a tensor that is no longer needed back to the system, where its file is mapped; see
  /// MappedFile.
  void drop(const Tensor& tensor) const noexcept {
    if (const TensorSource* const source = mapped_source_of(tensor)) source->mapping->drop(tensor.bytes);
  }
  /// Asks the system to read a tensor and the `ahead` bytes that follow it in its file, and does not wait.
  void fetch(const Tensor& tensor, std::size_t ahead) const noexcept {
    const TensorSource* const source = mapped_source_of(tensor);
    if (source == nullptr) return;
    const auto until_end = static_cast<std::size_t>(source->bytes.data() + source->bytes.size() - tensor.bytes.data());
    source->mapping->fetch({tensor.bytes.data(), std::min(tensor.bytes.size() + ahead, until_end)});
  }
  /// Whether touching a tensor waits for no disk; see MappedFile.
  bool resident(const Tensor& tensor) const noexcept {
    const TensorSource* const source = mapped_source_of(tensor);
    return source == nullptr || source->mapping->resident(tensor.bytes);
  }
};

}  // namespace tfm::inline TFM_ABI
