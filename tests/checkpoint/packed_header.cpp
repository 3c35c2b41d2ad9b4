// The packed file, from inside: no header leads anywhere but to the weights of this model, not even one that is signed.
#include "support/catch.hpp"
#include "support/packed_case.hpp"

using namespace tfm;
using tfm_test::file_text;
using tfm_test::packed_logits;
using tfm_test::PackedCase;
using tfm_test::same_bits;
using tfm_test::TinyLlama;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t size_at = 20;

std::size_t header_size(const std::string& file) {
  std::uint64_t size;
  std::memcpy(&size, file.data() + size_at, sizeof size);
  return static_cast<std::size_t>(size);
}
/// The file with the digest that its header should have.
std::string sign(std::string file, std::size_t size) {
  const auto signed_part = std::string_view(file).substr(0, size - 64);
  return file.replace(size - 64, 64, Sha256().add(signed_part).digits());
}
template <class T>
std::string with(std::string file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
  return sign(std::move(file), header_size(file));
}

/// A checkpoint that is open, and what looking for its packed file says.
struct Looking {
  PackedCase files{TinyLlama({264, 32, 1, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}})};
  Buffer expected = packed_logits(files.load().model);
  std::string whole = file_text(files.packed);
  OpenedCheckpoint opened = open_checkpoint(files.model);
  WeightSource source{opened.tensors, opened.convention, *opened.family};
  AnyLlama model{opened.shape};
  Context context{1};
  std::vector<PackedEntry> wanted;
  PackedKey key;

  Looking() {
    detail::check_weights(model, source, files.options());
    wanted = detail::frozen_weights(model, source, files.options());
    key = detail::key_of(context, source);
  }
  detail::FoundPacked look(const std::string& file) {
    // Over what is there: a file system that has to replace it waits for its disk, and thousands are looked at.
    std::fstream(files.packed, std::ios::binary | std::ios::in | std::ios::out) << file;
    fs::resize_file(files.packed, file.size());
    return detail::find_packed(context, files.packed, opened.tensors, key, wanted, false);
  }
  std::string refused(const std::string& file) {
    const auto found = look(file);
    return found.mapping ? "it is used" : found.refused;
  }
};

}  // namespace

TEST_CASE("a packed file of which any byte of the header is another is refused") {
  Looking at;
  REQUIRE(at.look(at.whole).mapping);
  const std::size_t size = header_size(at.whole);
  for (std::size_t i = 0; i < size; ++i)
    for (const int flip : {1, 0x80}) {
      std::string file = at.whole;
      file[i] = static_cast<char>(file[i] ^ flip);
      const auto found = at.look(file);
      if (found.mapping || found.refused.empty() || found.ours != (i >= 8)) FAIL("byte " << i);
      if (i % 97 != 0) continue;
      const auto loaded = at.files.load();  // all the way
      CHECK(same_bits(packed_logits(loaded.model), at.expected));
      CHECK(!at.files.note_of(loaded).empty());
    }
}

TEST_CASE("a packed file of which any byte of the header is another, and which is signed again, is refused") {
  Looking at;
  const std::size_t size = header_size(at.whole);
  REQUIRE(sign(at.whole, size) == at.whole);
  for (std::size_t i = 0; i < size - 64; ++i)
    for (const int flip : {1, 0x10, 0x80, 0xff}) {
      std::string file = at.whole;
      file[i] = static_cast<char>(file[i] ^ flip);
      if (at.look(sign(file, size)).mapping) FAIL("byte " << i);
    }
}

TEST_CASE("numbers in a signed header that lead astray are refused by name") {
  Looking at;
  const auto place = [&](std::string_view name, std::size_t after) { return at.whole.find(name) + name.size() + after; };
  const std::string last = "model.layers.0.mlp.down_proj.weight";
  const std::size_t format = place(last, 0), rows = place(last, 4), cols = place(last, 12), offset = place(last, 20);
  REQUIRE(offset < header_size(at.whole));
  Index was;
  std::memcpy(&was, at.whole.data() + offset, sizeof was);
  for (const Index to : {Index{0}, Index{-4096}, Index{1} << 62, was + 64, was - 4096, static_cast<Index>(at.whole.size())}) {
    INFO(to);
    CHECK(at.refused(with(at.whole, offset, to)) == joined({"it has '", last, "' at byte ", to, ", expected ", was}));
  }
  const auto holds = [&](std::string_view what) { return joined({"it holds '", last, "' as ", what, ", expected '", last, "' as Q4_0 [32, 64]"}); };
  CHECK(at.refused(with(at.whole, rows, Index{1} << 62)) == holds("Q4_0 [4611686018427387904, 64]"));
  CHECK(at.refused(with(at.whole, cols, Index{-1})) == holds("Q4_0 [32, -1]"));
  CHECK(at.refused(with(at.whole, format, std::uint32_t{0})) == holds("F32 [32, 64]"));
  CHECK(at.refused(with(at.whole, format, std::uint32_t{format_count})) == "its header is damaged");
  CHECK(at.refused(with(at.whole, size_at + 8, std::uint64_t{1} << 60)) == "its header is damaged");  // files of the checkpoint

  const std::size_t size = header_size(at.whole);
  CHECK(at.refused(with(at.whole, 8, 0x0d0c0b0a)) == "it is of a machine with another byte order");
  CHECK(at.refused(with(at.whole, 12, std::uint32_t{2})) == "it is of version 2, expected 1");
  CHECK(at.refused(with(at.whole, 16, panel_layout + 1)) == joined({"its panels are of layout ", panel_layout + 1, ", expected ", panel_layout}));
  for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{91}, std::uint64_t{1} << 63, std::uint64_t{UINT64_MAX}}) {
    std::string file = at.whole;
    std::memcpy(file.data() + size_at, &wrong, sizeof wrong);
    CHECK(at.refused(sign(file, size)) == "its header is damaged");
  }
  std::string longer = at.whole;  // a field more than there should be
  longer.insert(size - 64, 8, '\0').erase(longer.size() - 8);
  const std::uint64_t longer_size = size + 8;
  std::memcpy(longer.data() + size_at, &longer_size, sizeof longer_size);
  CHECK(at.refused(sign(longer, size + 8)) == "its header is damaged");
  CHECK(at.refused(at.whole) == "it is used");
}

TEST_CASE("panels that are damaged at a sampled page are refused") {
  Looking at;
  const std::size_t begin = (header_size(at.whole) + 4095) / 4096 * 4096;
  for (std::size_t i = begin; i < at.whole.size(); i += 4096) {
    std::string file = at.whole;
    file[i] = static_cast<char>(file[i] ^ 1);
    CHECK(at.refused(file) == "its panels are damaged");
  }
}

TEST_CASE("a key knows the table of tensors, and bytes that were copied out of a file") {
  const std::string text(8192, 'x');
  std::string copied = "abcd";
  const auto key = [&](const std::string& name, std::size_t from, Index heads) {
    Tensor mapped = detail::as_tensor(bytes_of(text).subspan(from, 4)), copy = detail::as_tensor(bytes_of(copied));
    mapped.name = name, copy.name = "copy";
    const TensorStore store = TensorStore::merge(
        [&] {
          std::vector<TensorStore> parts;
          parts.emplace_back(TensorSource::borrowed(bytes_of(text), "file"), std::vector<Tensor>{mapped});
          parts.emplace_back(TensorSource::borrowed(bytes_of(copied), "file"), std::vector<Tensor>{copy});
          return parts;
        }(),
        "file");
    const Context context(1);
    WeightSource source(store, Convention::gguf, llama_family);
    source.expect("model.layers.0.self_attn.q_proj.weight", {WeightRole::base, 8, 8, heads});
    return detail::key_of(context, source);
  };
  const PackedKey one = key("a", 0, 2);
  CHECK(one.files.size() == 2);
  CHECK(key("a", 0, 2).tensors == one.tensors);
  CHECK(key("b", 0, 2).tensors != one.tensors);
  CHECK(key("a", 4, 2).tensors != one.tensors);
  CHECK(key("a", 0, 4).tensors != one.tensors);
  CHECK(key("b", 0, 2).sampled == one.sampled);
  copied = "abce";
  CHECK(key("a", 0, 2).sampled != one.sampled);
}

TEST_CASE("sampled pages are the first, the last and 64 between, through all parts") {
  const std::vector<std::byte> memory(1000 * 4096 + 10);
  const std::span<const std::byte> all = memory;
  const auto pages = [](std::initializer_list<std::span<const std::byte>> parts) { return detail::sampled_pages({parts.begin(), parts.size()}); };
  CHECK(pages({}).empty());
  CHECK(pages({all.first(0)}).empty());
  CHECK(pages({all.first(1)}).size() == 1);
  CHECK(pages({all.first(4096), all.first(4097)}).size() == 3);
  CHECK(pages({all.first(66 * 4096)}).size() == 66);
  const auto many = pages({all});
  REQUIRE(many.size() == 66);
  CHECK(many.front().data() == all.data());
  CHECK(many.back().size() == 10);
  for (std::size_t i = 1; i < many.size(); ++i) {
    const auto step = many[i].data() - many[i - 1].data();
    CHECK((step == 15 * 4096 || step == 16 * 4096));
  }
  const auto split = pages({all.first(500 * 4096), all.subspan(500 * 4096)});
  REQUIRE(split.size() == 66);
  for (std::size_t i = 0; i < split.size(); ++i) CHECK(split[i].data() == many[i].data());
}

TEST_CASE("panels whose bytes change need another panel_layout") {
  constexpr std::string_view expected[format_count] = {
      "a20bc315c6080e12", "2ae860ffe2ea9535", "bb0f99facf5defc4", "b2bab80af5e80d8a", "774ecabfb174ce69", "69542c4a3fe0d0f0",
      "78fcf324723bc4ff", "31f8b19d5fb79839", "7f6488e211e26751", "c432ec8850a5ad01", "fd174ae0c7106d2d", "928428727bddd40d",
      "89427bfe89f896b7", "664f7026c738f8d4", "139a66ccbcdb5f61", "741f5670a8113571"};
  CHECK(panel_layout == 1);
  Context context(1);
  for (int f = 0; f < format_count; ++f) {
    const auto format = static_cast<Format>(f);
    const Index cols = std::max<Index>(64, block_size(format));
    const Buffer values = tfm_test::random_matrix(3, 37, cols);
    const PackedWeight weight = pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(values.view().data), 37, cols}, "test");
    INFO(name(format));
    CHECK(Sha256().add({weight.panels().data, to_size(weight.bytes())}).digits().substr(0, 16) == expected[f]);
  }
}
