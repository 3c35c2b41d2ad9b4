// What packed_key.hpp declares.
#include <algorithm>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::vector<std::span<const std::byte>> sampled_pages(FileParts parts) {
  constexpr std::size_t most = 66;
  const auto pages_of = [](std::span<const std::byte> part) { return (part.size() + sampled_page - 1) / sampled_page; };
  std::size_t pages = 0, before = 0;
  for (const auto part : parts) pages += pages_of(part);
  const std::size_t count = std::min(pages, most), steps = std::max<std::size_t>(count, 2) - 1;
  std::vector<std::span<const std::byte>> sampled;
  for (const auto part : parts) {
    const std::size_t end = before + pages_of(part);
    for (std::size_t page; sampled.size() < count && (page = sampled.size() * (pages - 1) / steps) < end;) {
      const std::size_t at = (page - before) * sampled_page;
      sampled.push_back(part.subspan(at, std::min(sampled_page, part.size() - at)));
    }
    before = end;
  }
  return sampled;
}

TFM_INLINE Tensor as_tensor(std::span<const std::byte> bytes) {
  Tensor tensor;
  tensor.bytes = bytes;
  return tensor;
}

/// Adds the sampled pages of parts that are memory of `store` or of nobody. All are asked for before the first is awaited:
/// a disk that reads them in any order takes them in its own.
TFM_INLINE void add_sample(const Context& context, Sha256& hash, const TensorStore& store, FileParts parts) {
  const auto pages = sampled_pages(parts);
  for (const auto page : pages) store.fetch(as_tensor(page), 0);
  AwaitPages await_pages(0);
  for (const auto page : pages) {
    await_pages(context, store, as_tensor(page));
    hash.add(page);
  }
}

TFM_INLINE std::string hash_of_sample(const Context& context, const TensorStore& store, FileParts parts) {
  Sha256 hash;
  add_sample(context, hash, store, parts);
  return hash.digits();
}

TFM_INLINE std::string hash_of_all(Context& context, const TensorStore& store, FileParts parts, PagesAfterwards afterwards) {
  constexpr std::size_t each = to_size(MiB);
  Sha256 all;
  AwaitPages await_pages;
  std::vector<std::string> hashes;
  for (const auto part : parts)
    in_pieces(context, as_tensor(part), 64 * each, [&](const Tensor& piece) {
      await_pages(context, store, piece);
      hashes.resize((piece.bytes.size() + each - 1) / each);
      context.run(static_cast<Index>(hashes.size()), [&](Index i, int) {
        const std::size_t at = to_size(i) * each;
        hashes[to_size(i)] = Sha256().add(piece.bytes.subspan(at, std::min(each, piece.bytes.size() - at))).digits();
      });
      raise_if_stopped(context);
      for (const std::string& hash : hashes) all.add(hash);
      if (afterwards == PagesAfterwards::drop) drop_pages(context, store, piece);
    });
  return all.digits();
}

/// What decides how tensors become panels, beside their bytes.
TFM_INLINE std::string hash_of_table(const WeightSource& source) {
  const TensorStore& store = source.store();
  const auto sources = store.sources();
  Sha256 hash;
  source.add_places(hash);
  for (const Tensor& tensor : store.tensors()) {
    hash.add_text(tensor.name).add_text(tensor.type_name).add_number(static_cast<Index>(tensor.shape.size()));
    for (const Index size : tensor.shape) hash.add_number(size);
    for (const TensorSource& file : sources) {  // where the tensor does not lie, too: no two places give the same numbers
      const std::byte *const begin = file.bytes.data(), *const end = begin + file.bytes.size();
      const bool inside = tensor.bytes.data() >= begin && tensor.bytes.data() + tensor.bytes.size() <= end;
      hash.add_number(inside ? tensor.bytes.data() - begin : -1);
    }
    hash.add_number(static_cast<Index>(tensor.bytes.size()));
  }
  return hash.digits();
}

TFM_INLINE PackedKey key_of(const Context& context, const WeightSource& source) {
  PackedKey key;
  Sha256 sampled;
  for (const TensorSource& file : source.store().sources()) {
    key.files.push_back({static_cast<Index>(file.bytes.size()), file.mapping ? file.mapping->modified() : 0});
    if (file.mapping) add_sample(context, sampled, source.store(), {&file.bytes, 1});
    else sampled.add(file.bytes);  // copied out of a file; no page of that need be one of these
  }
  key.sampled = sampled.digits();
  key.tensors = hash_of_table(source);
  return key;
}

TFM_INLINE std::string hash_of_checkpoint(Context& context, const TensorStore& store) {
  std::vector<std::span<const std::byte>> files;
  for (const TensorSource& file : store.sources()) files.push_back(file.bytes);
  return hash_of_all(context, store, files, PagesAfterwards::drop);
}

TFM_INLINE std::string difference(const PackedKey& then, const PackedKey& now, const TensorStore& store) {
  if (then.files.size() != now.files.size())
    return joined({"it was made of ", then.files.size(), " files, and the checkpoint has ", now.files.size()});
  for (std::size_t i = 0; i < now.files.size(); ++i) {
    const std::string& file = store.sources()[i].file;
    if (then.files[i].size != now.files[i].size)
      return joined({file, " has ", now.files[i].size, " bytes, and had ", then.files[i].size, " when it was packed"});
    if (then.files[i].modified != now.files[i].modified) return file + " has been written to since it was packed";
  }
  if (then.tensors != now.tensors) return store.file() + " has other tensors than when it was packed, or reads them in another way";
  if (then.sampled != now.sampled) return store.file() + " holds other bytes than when it was packed";
  return {};
}

TFM_INLINE void require_unchanged(const TensorStore& store, const PackedKey& key) {
  for (std::size_t i = 0; i < key.files.size(); ++i) {
    const TensorSource& file = store.sources()[i];
    if (!file.mapping) continue;
    const auto again = MappedFile::open(file.mapping->name());
    if (PackedKey::File{static_cast<Index>(again->bytes().size()), again->modified()} != key.files[i])
      raise<LoadError>({"tfm: ", file.file, " has been written to while it was packed"});
  }
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
