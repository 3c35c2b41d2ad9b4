// What packed_file.hpp declares.
#include <algorithm>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

/// The header's bytes, digest and all.
TFM_INLINE std::string header_bytes(const PackedHeader& header) {
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
TFM_INLINE Index place_weights(PackedHeader& header) {
  Index at = round_up(static_cast<Index>(header_bytes(header).size()), packed_alignment);
  for (PackedEntry& weight : header.weights) {
    weight.offset = at;
    at += round_up(weight.bytes(), packed_alignment);
  }
  return at;
}

TFM_INLINE std::span<const std::byte> HeaderFields::bytes(std::uint64_t n) noexcept {
  if (n > left_.size()) whole_ = false, n = 0;
  const auto found = left_.first(static_cast<std::size_t>(n));
  left_ = left_.subspan(found.size());
  return found;
}

TFM_INLINE bool begins_packed(std::span<const std::byte> file) noexcept {
  return text_of(file.first(std::min(file.size(), packed_magic.size()))) == packed_magic.substr(0, file.size());
}

/// Reads a packed file's header. Returns why it cannot be used, or "".
TFM_INLINE std::string read_header(std::span<const std::byte> file, PackedHeader& header) {
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

TFM_INLINE std::string misplaced(const PackedHeader& header, std::vector<PackedEntry> wanted, std::size_t size) {
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

TFM_INLINE std::vector<std::span<const std::byte>> parts_of(std::span<const std::byte> file, const std::vector<PackedEntry>& weights) {
  std::vector<std::span<const std::byte>> parts;
  for (const PackedEntry& weight : weights) parts.push_back(file.subspan(to_size(weight.offset), to_size(weight.bytes())));
  return parts;
}

TFM_INLINE FoundPacked find_packed(Context& context, const std::filesystem::path& path, const TensorStore& store, PackedKey& key,
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

TFM_INLINE void write_packed(Context& context, const std::filesystem::path& path, PackedKey key, std::vector<PackedEntry> weights, FileParts parts,
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
