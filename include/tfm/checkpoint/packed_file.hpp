#pragma once
// A packed file: the panels of a checkpoint's weights as they stand in memory, to be mapped at the next start.
//
//   "tfm-pack", u32 byte order mark, u32 version of this layout, u32 panel_layout, u64 bytes of the header
//   key: u64 files, of each i64 size, i64 modified; texts tensors, sampled, whole
//   panels: texts sampled, whole                                          SHA-256 of their sampled pages, of all of them
//   weights: u64 number, of each text name, u32 format, i64 rows, cols, offset
//   SHA-256 of all that as 64 digits, which end the header
//   the weights' panels in that order, each from the next multiple of 4096 on; 0 up to the next multiple at the end
//
// A text is its length as u64 and its bytes; numbers are of the machine that wrote them.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/checkpoint/packed_key.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/numeric/packed_weight.hpp"

namespace tfm::inline TFM_ABI {

/// A weight in a packed file.
struct PackedEntry {
  std::string name;
  Format format{};
  Index rows = 0, cols = 0;
  Index offset = 0;  ///< of its panels in the file
  Index bytes() const noexcept { return packed_bytes(format, rows, cols); }
  bool operator==(const PackedEntry&) const = default;
};

struct PackedHeader {
  PackedKey key;
  std::string sampled, whole;  ///< SHA-256 of sampled pages of the panels, and of all of them; `whole` is empty where the key's is
  std::vector<PackedEntry> weights;
};

namespace detail {

inline constexpr std::string_view packed_magic = "tfm-pack";
inline constexpr std::uint32_t packed_order = 0x0a0b0c0d, packed_version = 1;
inline constexpr Index packed_alignment = 4096;
inline constexpr std::size_t digest_size = 64, largest_header = 64 * MiB;

/// The header's bytes, digest and all.
inline std::string header_bytes(const PackedHeader& header) {
  std::string out;
  const auto number = [&](auto n) { out.append(reinterpret_cast<const char*>(&n), sizeof n); };
  const auto text = [&](std::string_view t) { number(std::uint64_t{t.size()}), out.append(t); };
  out += packed_magic;
  number(packed_order), number(packed_version), number(panel_layout);
  const std::size_t size_at = out.size();
  number(std::uint64_t{0});
  number(std::uint64_t{header.key.files.size()});
  for (const PackedKey::File& file : header.key.files) number(file.size), number(file.modified);
  text(header.key.tensors), text(header.key.sampled), text(header.key.whole);
  text(header.sampled), text(header.whole);
  number(std::uint64_t{header.weights.size()});
  for (const PackedEntry& w : header.weights)
    text(w.name), number(static_cast<std::uint32_t>(w.format)), number(w.rows), number(w.cols), number(w.offset);
  const std::uint64_t size = out.size() + digest_size;
  std::memcpy(out.data() + size_at, &size, sizeof size);
  return out + Sha256().add(out).digits();
}

/// Gives the weights their places; returns the file's size.
inline Index place_weights(PackedHeader& header) {
  Index at = round_up(static_cast<Index>(header_bytes(header).size()), packed_alignment);
  for (PackedEntry& weight : header.weights) {
    weight.offset = at;
    at += round_up(weight.bytes(), packed_alignment);
  }
  return at;
}

/// Fields of a header whose bytes may say anything: behind the end all of them are 0.
class HeaderFields {
  std::span<const std::byte> left_;
  bool whole_ = true;

 public:
  explicit HeaderFields(std::span<const std::byte> bytes) noexcept : left_(bytes) {}

  bool whole() const noexcept { return whole_; }
  std::size_t left() const noexcept { return left_.size(); }
  std::span<const std::byte> bytes(std::uint64_t n) noexcept {
    if (n > left_.size()) whole_ = false, n = 0;
    const auto found = left_.first(static_cast<std::size_t>(n));
    left_ = left_.subspan(found.size());
    return found;
  }
  template <class T>
  T number() noexcept {
    T value{};
    if (const auto found = bytes(sizeof value); !found.empty()) std::memcpy(&value, found.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(text_of(bytes(number<std::uint64_t>()))); }
};

inline bool begins_packed(std::span<const std::byte> file) noexcept {
  return text_of(file.first(std::min(file.size(), packed_magic.size()))) == packed_magic.substr(0, file.size());
}

/// Reads a packed file's header. Returns why it cannot be used, or "".
inline std::string read_header(std::span<const std::byte> file, PackedHeader& header) {
  if (!begins_packed(file)) return "it is no packed file";
  HeaderFields fields(file);
  fields.bytes(packed_magic.size());
  const auto order = fields.number<std::uint32_t>(), version = fields.number<std::uint32_t>(), layout = fields.number<std::uint32_t>();
  const auto size = fields.number<std::uint64_t>();
  if (!fields.whole()) return "it is cut short";
  if (order != packed_order) return "it is of a machine with another byte order";
  if (version != packed_version) return joined({"it is of version ", version, ", expected ", packed_version});
  if (layout != panel_layout) return joined({"its panels are of layout ", layout, ", expected ", panel_layout});
  const std::size_t begun = file.size() - fields.left();
  if (size < begun + digest_size || size > largest_header) return "its header is damaged";
  if (size > file.size()) return "it is cut short";
  const auto signed_part = file.first(static_cast<std::size_t>(size) - digest_size);
  if (Sha256().add(signed_part).digits() != text_of(file.subspan(signed_part.size(), digest_size))) return "its header is damaged";

  fields = HeaderFields(signed_part.subspan(begun));
  for (auto n = fields.number<std::uint64_t>(); n > 0 && fields.whole(); --n) {
    const auto bytes = fields.number<Index>(), modified = fields.number<Index>();
    header.key.files.push_back({bytes, modified});
  }
  header.key.tensors = fields.text(), header.key.sampled = fields.text(), header.key.whole = fields.text();
  header.sampled = fields.text(), header.whole = fields.text();
  for (auto n = fields.number<std::uint64_t>(); n > 0 && fields.whole(); --n) {
    PackedEntry weight;
    weight.name = fields.text();
    const auto format = fields.number<std::uint32_t>();
    if (format >= std::uint32_t{format_count}) return "its header is damaged";
    weight.format = static_cast<Format>(format);
    weight.rows = fields.number<Index>(), weight.cols = fields.number<Index>(), weight.offset = fields.number<Index>();
    header.weights.push_back(std::move(weight));
  }
  return fields.whole() && fields.left() == 0 ? "" : "its header is damaged";
}

/// Why the weights in a packed file of `size` bytes are not the model's, each where the layout has it; "" where they are.
/// `header` is the file's, `wanted` the model's weights, which say how large everything is.
inline std::string misplaced(const PackedHeader& header, std::vector<PackedEntry> wanted, std::size_t size) {
  const auto shown = [](const PackedEntry& w) {
    return joined({in_quotes(w.name), " as ", name(w.format), " [", w.rows, ", ", w.cols, "]"});
  };
  PackedHeader expected{header.key, header.sampled, header.whole, std::move(wanted)};
  const Index end = place_weights(expected);
  if (header.weights.size() != expected.weights.size())
    return joined({"it holds ", header.weights.size(), " weights, expected ", expected.weights.size()});
  for (std::size_t i = 0; i < expected.weights.size(); ++i) {
    const PackedEntry &found = header.weights[i], &want = expected.weights[i];
    if (found == want) continue;
    if (shown(found) != shown(want)) return "it holds " + shown(found) + ", expected " + shown(want);
    return joined({"it has ", in_quotes(found.name), " at byte ", found.offset, ", expected ", want.offset});
  }
  if (size != to_size(end)) return joined({"it has ", size, " bytes, expected ", end});
  return {};
}

inline std::vector<std::span<const std::byte>> parts_of(std::span<const std::byte> file, const std::vector<PackedEntry>& weights) {
  std::vector<std::span<const std::byte>> parts;
  for (const PackedEntry& weight : weights) parts.push_back(file.subspan(to_size(weight.offset), to_size(weight.bytes())));
  return parts;
}

/// The message of the LoadError that `work` raises, without "tfm: "; "" if it raises none.
template <class F>
std::string refusal(F&& work) {
#if defined(__cpp_exceptions)
  try {
    work();
  } catch (const LoadError& error) {
    const std::string_view message = error.what();
    return std::string(message.substr(message.starts_with("tfm: ") ? 5 : 0));
  }
#else
  work();
#endif
  return {};
}

/// What was found at a packed file's path.
struct FoundPacked {
  std::shared_ptr<const MappedFile> mapping;  ///< null: nothing that can be used
  std::vector<PackedEntry> weights;
  std::string refused;  ///< why not; "" too where nothing was there
  bool ours = true;     ///< what is there may be replaced: a packed file, an empty one, or nothing
};

/// Maps the packed file of a checkpoint if it is that one's and holds `wanted`. `verify`: all bytes of both are hashed, and
/// key.whole is set if it comes to that. Errors: Stopped.
inline FoundPacked find_packed(Context& context, const std::filesystem::path& path, const TensorStore& store, PackedKey& key,
                               std::vector<PackedEntry> wanted, bool verify) {
  FoundPacked found;
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown) || (std::filesystem::is_regular_file(path, unknown) && std::filesystem::file_size(path, unknown) == 0))
    return found;
  found.ours = false;
  std::shared_ptr<const MappedFile> mapping;
  found.refused = refusal([&] { mapping = MappedFile::open(path); });
  if (!mapping) return found;
  found.ours = begins_packed(mapping->bytes());
  const auto refuse = [&](std::string reason) {
    found.refused = std::move(reason);
    return !found.refused.empty();
  };
  PackedHeader header;
  if (refuse(read_header(mapping->bytes(), header)) || refuse(difference(header.key, key, store)) ||
      refuse(misplaced(header, std::move(wanted), mapping->bytes().size())))
    return found;
  const TensorStore packed({mapping->name(), mapping->bytes(), mapping, mapping}, {});
  const auto parts = parts_of(mapping->bytes(), header.weights);
  if (refuse(hash_of_sample(context, packed, parts) == header.sampled ? "" : "its panels are damaged")) return found;
  if (verify) {
    if (refuse(header.whole.empty() ? "it was made without the hash of all bytes" : "")) return found;
    key.whole = hash_of_checkpoint(context, store);
    if (refuse(key.whole == header.key.whole ? "" : store.file() + " holds other bytes than when it was packed")) return found;
    if (refuse(hash_of_all(context, packed, parts, PagesAfterwards::keep) == header.whole ? "" : "its panels are damaged")) return found;
  }
  found.mapping = std::move(mapping);
  found.weights = std::move(header.weights);
  return found;
}

/// Writes a packed file, whole or not at all: `parts` are the panels of `weights`. Hashes of all bytes are added where
/// key.whole is set. Errors: LoadError, Stopped.
inline void write_packed(Context& context, const std::filesystem::path& path, PackedKey key, std::vector<PackedEntry> weights, FileParts parts,
                         const ProgressCallback& progress) {
  PackedHeader header{std::move(key), {}, {}, std::move(weights)};
  const TensorStore in_memory;
  header.sampled = hash_of_sample(context, in_memory, parts);
  if (!header.key.whole.empty()) header.whole = hash_of_all(context, in_memory, parts, PagesAfterwards::keep);
  const Index size = place_weights(header);
  AtomicFile file(path);
  Index written = 0;
  const auto write = [&](std::span<const std::byte> bytes) {
    file.write(bytes);
    written += static_cast<Index>(bytes.size());
  };
  const auto fill_page = [&] {
    static constexpr std::byte zeros[packed_alignment]{};
    write({zeros, to_size(round_up(written, packed_alignment) - written)});
  };
  write(bytes_of(header_bytes(header)));
  fill_page();
  for (const auto part : parts) {
    in_pieces(context, as_tensor(part), to_size(4 * MiB), [&](const Tensor& piece) {
      write(piece.bytes);
      if (progress) progress({"writing", written, size});
    });
    fill_page();
  }
  file.commit();
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
