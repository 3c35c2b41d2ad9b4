// What torch_before_zip.hpp declares.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE TensorStore read_torch_before_zip(TensorSource source) {
  constexpr std::string_view magic{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10};
  const std::string file = source.file;
  auto left = source.bytes;
  const auto next = [&] {
    auto [pickle, used] = detail::Unpickler(left, file).run();
    left = left.subspan(used);
    return std::move(pickle);
  };
  const Pickle first = next();
  if (!first.root.is(PickleKind::bytes) || first.text(first.root) != magic)
    detail::fail(file, "a pickle that is no PyTorch checkpoint: its first value is " +
                           std::string(name(first.root.kind)) + ", expected PyTorch's magic number");
  const Pickle version = next();
  if (!version.root.is(PickleKind::integer) || version.root.integer() != 1001)
    detail::fail(file, "a PyTorch checkpoint of an unknown version, expected 1001");
  const Pickle writer = next();
  const auto little = writer.root.is(PickleKind::dict) ? writer.find(writer.root, "little_endian") : std::nullopt;
  if (!little || !little->is(PickleKind::boolean) || little->bits != 1)
    detail::fail(file, "the checkpoint does not say that its numbers are little-endian, expected that it does");
  const Pickle tensors = next(), keys = next();
  if (!keys.root.is(PickleKind::list))
    detail::fail(file, "the list of storages is " + std::string(name(keys.root.kind)) + ", expected a list");

  std::map<std::string_view, const PickleStorage*> known;
  for (const PickleStorage& storage : tensors.storages) {
    const auto [at, added] = known.emplace(storage.key, &storage);
    if (!added && (at->second->type != storage.type || at->second->size != storage.size))
      detail::fail(file, "storage " + in_quotes(storage.key) + " has two types or sizes");
  }
  std::map<std::string_view, std::span<const std::byte>> places;
  ByteReader reader(left, file);
  for (const PickleValue item : keys.items(keys.root)) {
    const std::string_view key = item.is(PickleKind::text) ? keys.text(item) : std::string_view();
    const auto storage = known.find(key);
    if (storage == known.end()) detail::fail(file, "storage " + in_quotes(key) + " belongs to no tensor");
    const auto size = reader.number<std::int64_t>("a storage's size");
    Index bytes;
    if (size != storage->second->size || __builtin_mul_overflow(size, storage->second->type->bytes(), &bytes))
      detail::fail(file, "storage " + in_quotes(key) + " has " + std::to_string(size) + " values, expected " +
                             std::to_string(storage->second->size));
    if (!places.emplace(key, reader.bytes(static_cast<std::uint64_t>(bytes), "a storage")).second)
      detail::fail(file, "storage " + in_quotes(key) + " is there twice");
  }
  if (reader.left() != 0)
    detail::fail(file, std::to_string(reader.left()) + " bytes follow the last storage, expected none");
  return detail::TorchTensors(tensors, std::move(source), [&](const PickleStorage& storage) {
           const auto place = places.find(storage.key);
           if (place == places.end()) detail::fail(file, "storage " + in_quotes(storage.key) + " is missing");
           return place->second;
         }).read();
}

}  // namespace tfm::inline TFM_ABI
