#pragma once
// A restricted unpickler: reads the pickles that PyTorch writes (protocols 2 to 4), and runs nothing.
// The opcodes: Python's Lib/pickletools.py, PEP 307, PEP 3154.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/byte_reader.hpp"
#include "tfm/formats/pickle.hpp"

namespace tfm::inline TFM_ABI {

/// The most values that a pickle may make. A tensor takes about 22; memory stays under 64 MiB.
inline constexpr Index most_pickle_values = 500'000;

namespace detail {

/// The stack machine. One use: run().
class Unpickler {
  using Kind = PickleKind;
  using Role = PickleGlobal::Role;

  ByteReader reader_;
  Pickle pickle_;
  std::vector<PickleValue> stack_, memo_;
  std::vector<std::size_t> marks_;  // places in the stack
  Index made_ = 0;
  std::size_t opcode_at_ = 0;

 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& file);

  /// The document, and how many bytes it took.
  std::pair<Pickle, std::size_t> run() &&;

 private:
  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void refuse_global(std::string_view module, std::string_view name) const;

  // ---- the stack

  void push(PickleValue value);
  void push(Kind kind, std::uint64_t bits) { push(PickleValue{kind, bits}); }
  /// A list, tuple or dictionary of its own.
  void push_object(Kind kind, std::vector<PickleValue> items);
  void need(std::size_t n) const;
  PickleValue pop();
  PickleValue& top() { return need(1), stack_.back(); }
  std::vector<PickleValue> pop_n(std::size_t n);
  std::vector<PickleValue> pop_to_mark();
  void extend(Kind kind, const std::vector<PickleValue>& values);

  // ---- what opcodes read

  void push_text(Kind kind, std::uint64_t size);
  std::string_view line();
  /// An integer of up to 8 bytes; what needs more stays bytes.
  void push_long(std::uint64_t size);
  void push_integer(std::int64_t value) { push(Kind::integer, std::bit_cast<std::uint64_t>(value)); }
  void push_global(std::string_view module, std::string_view name);
  void get(std::uint64_t slot);
  void put(std::uint64_t slot);

  // ---- what stands for a call

  void reduce();
  /// An OrderedDict's attributes, which its items do without.
  void build();
  void persistent_storage();

  bool step();
};

}  // namespace detail

/// Reads one pickle, and nothing behind it. Errors: LoadError that names the file, the place and what was found, among
/// others for every global that is not in pickle_globals: it is named, and never looked up or called.
Pickle unpickle(std::span<const std::byte> bytes, const std::string& file);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/unpickle.inl"
#endif
