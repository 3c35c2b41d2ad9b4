#pragma once
// Pickle: what a pickle of PyTorch's holds: plain values, and tensors that say in which storage they lie.
#include <bit>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/data_type.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

enum class PickleKind : unsigned char {
  none, boolean, integer, number, text, bytes, list, tuple, dict, global, storage, tensor
};

/// "a number" and the like.
constexpr std::string_view name(PickleKind kind) noexcept {
  constexpr std::string_view names[] = {"None",    "a boolean", "an integer",   "a number", "a string",  "bytes",
                                        "a list",  "a tuple",   "a dictionary", "a class",  "a storage", "a tensor"};
  return names[static_cast<std::size_t>(kind)];
}

/// Sixteen bytes that mean something in their Pickle. Objects are shared by number, so what holds itself is harmless.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::uint64_t bits = 0;  ///< the boolean, integer or double; a text's place and size; an object's number

  bool is(PickleKind other) const noexcept { return kind == other; }
  Index integer() const noexcept { return static_cast<Index>(std::bit_cast<std::int64_t>(bits)); }
};

/// A class or function that a pickle may name.
struct PickleGlobal {
  enum class Role : unsigned char { ordered_dict, rebuild_tensor, rebuild_parameter, size, storage };
  std::string_view module, name;
  Role role;
  DataType type{};  ///< of a storage's values

  constexpr std::string_view type_name() const noexcept { return torch_name(type); }
  constexpr Index bytes() const noexcept { return block_bytes(type); }  ///< of one value
};

/// All of them: anything else is refused by name, and nothing is ever called.
inline constexpr PickleGlobal pickle_globals[] = {
    {"collections", "OrderedDict", PickleGlobal::Role::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", PickleGlobal::Role::rebuild_tensor},
    {"torch._utils", "_rebuild_parameter", PickleGlobal::Role::rebuild_parameter},
    {"torch", "Size", PickleGlobal::Role::size},
    {"torch", "DoubleStorage", PickleGlobal::Role::storage, DataType::f64},
    {"torch", "FloatStorage", PickleGlobal::Role::storage, DataType::f32},
    {"torch", "HalfStorage", PickleGlobal::Role::storage, DataType::f16},
    {"torch", "BFloat16Storage", PickleGlobal::Role::storage, DataType::bf16},
    {"torch", "LongStorage", PickleGlobal::Role::storage, DataType::i64},
    {"torch", "IntStorage", PickleGlobal::Role::storage, DataType::i32},
    {"torch", "ShortStorage", PickleGlobal::Role::storage, DataType::i16},
    {"torch", "CharStorage", PickleGlobal::Role::storage, DataType::i8},
    {"torch", "ByteStorage", PickleGlobal::Role::storage, DataType::u8},
    {"torch", "BoolStorage", PickleGlobal::Role::storage, DataType::boolean},
    {"torch", "ComplexFloatStorage", PickleGlobal::Role::storage, DataType::c64},
    {"torch", "ComplexDoubleStorage", PickleGlobal::Role::storage, DataType::c128},
};

/// Values that lie one behind the other under `key`, somewhere beside the pickle.
struct PickleStorage {
  const PickleGlobal* type = nullptr;
  std::string_view key;
  Index size = 0;  ///< values
};

/// A view into a storage. Sizes and strides are tuples, not yet looked at.
struct PickleTensor {
  PickleValue storage, offset, shape, strides;
};

/// A document: its root, and all that it refers to. Texts point into the bytes that were read, which must outlive it.
struct Pickle {
  std::string file;
  std::span<const std::byte> bytes;
  PickleValue root;
  std::deque<std::vector<PickleValue>> objects;  ///< lists, tuples; dictionaries: key, value, key, value, …
  std::vector<PickleStorage> storages;
  std::vector<PickleTensor> tensors;

  const std::vector<PickleValue>& items(PickleValue value) const { return objects[static_cast<std::size_t>(value.bits)]; }
  const PickleStorage& storage(PickleValue value) const { return storages[static_cast<std::size_t>(value.bits)]; }
  const PickleTensor& tensor(PickleValue value) const { return tensors[static_cast<std::size_t>(value.bits)]; }
  const PickleGlobal& global(PickleValue value) const noexcept { return pickle_globals[value.bits]; }
  /// A text, or bytes.
  std::string_view text(PickleValue value) const noexcept;
  /// What a dictionary has under a text, if anything; of several, the last.
  std::optional<PickleValue> find(PickleValue dict, std::string_view key) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/pickle.inl"
#endif
