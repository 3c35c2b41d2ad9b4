#include "tfm/formats/gguf.hpp"

#include <array>
#include <cstring>
#include <limits>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/formats/safetensors.hpp"

using Catch::Matchers::Contains;
using tfm::DataType;
using tfm::Index;

namespace {

tfm::Gguf read(std::span<const std::byte> bytes) { return tfm::read_gguf(bytes, "x.gguf"); }

/// A tensor over its own bytes 0, 1, 2, …
struct Made {
  std::vector<std::byte> bytes;
  tfm::Tensor tensor;
  Made(std::string name, DataType type, std::vector<Index> shape, std::size_t size, std::string type_name = {})
      : bytes(size) {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 11 + name.size());
    tensor = {std::move(name), type, std::move(type_name), std::move(shape), bytes};
  }
};

/// The bytes of a written file with the value at the first place of `text` replaced.
template <class T>
std::vector<std::byte> patched(std::vector<std::byte> bytes, std::string_view text, std::size_t after, T value) {
  const auto needle = tfm::bytes_of(text);
  const auto at = std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end());
  REQUIRE(at != bytes.end());
  std::memcpy(&*at + text.size() + after, &value, sizeof value);
  return bytes;
}

}  // namespace

TEST_CASE("metadata of every type is written, read back, and got in what fits") {
  tfm::GgufWriter writer;
  writer.set("u8", std::uint8_t{200});
  writer.set("i8", std::int8_t{-3});
  writer.set("u16", std::uint16_t{60000});
  writer.set("i16", std::int16_t{-300});
  writer.set("u32", std::uint32_t{4'000'000'000});
  writer.set("i32", std::int32_t{-5});
  writer.set("u64", std::numeric_limits<std::uint64_t>::max());
  writer.set("i64", std::int64_t{-6});
  writer.set("f32", 1.5f);
  writer.set("f64", 1e-5);
  writer.set("bool", true);
  writer.set("text", "old");
  writer.set("text", std::string("a\0b", 3));
  writer.set("texts", std::vector<std::string>{"x", "", "long"});
  writer.set("bytes", std::array<std::uint8_t, 3>{1, 2, 3});
  writer.set("ints", std::vector<std::int32_t>{1, -2});
  writer.set("wide", std::vector<std::uint64_t>{7, ~std::uint64_t{0}});
  writer.set("floats", std::vector<float>{0.5f, -1});
  writer.set("doubles", std::vector<double>{0.25});
  writer.set("bools", std::vector<bool>{true, false});
  writer.set("none", std::vector<std::string>{});
  const auto bytes = writer.bytes();
  for (const auto& metadata : {read(bytes).metadata, tfm::read_gguf_metadata(bytes, "x.gguf")}) {
    CHECK(metadata.size() == 20);
    CHECK(metadata[0].key() == "u8");
    CHECK(metadata.at("u8").integer() == 200);
    CHECK(metadata.at("i8").integer() == -3);
    CHECK(metadata.at("u16").integer() == 60000);
    CHECK(metadata.at("i16").integer() == -300);
    CHECK(metadata.at("u32").integer() == 4'000'000'000);
    CHECK(metadata.at("i32").integer(-5, -5) == -5);
    CHECK(metadata.at("i64").integer() == -6);
    CHECK(metadata.at("u64").number() == 18446744073709551615.0);
    CHECK(metadata.at("f32").number() == 1.5);
    CHECK(metadata.at("f64").number() == 1e-5);
    CHECK(metadata.at("i8").number() == -3);
    CHECK(metadata.at("bool").boolean());
    CHECK(metadata.at("text").text() == std::string_view("a\0b", 3));
    CHECK(metadata.at("texts").texts() == std::vector<std::string_view>{"x", "", "long"});
    CHECK(metadata.at("texts").count() == 3);
    CHECK(metadata.at("bytes").bytes().size() == 3);
    CHECK(metadata.at("bytes").integers() == std::vector<std::int32_t>{1, 2, 3});
    CHECK(metadata.at("ints").integers() == std::vector<std::int32_t>{1, -2});
    CHECK(metadata.at("floats").numbers() == std::vector<float>{0.5f, -1});
    CHECK(metadata.at("doubles").numbers() == std::vector<float>{0.25f});
    CHECK(metadata.at("bools").booleans() == std::vector<bool>{true, false});
    CHECK(metadata.at("none").texts().empty());
    CHECK(!metadata.find("absent"));

    CHECK_THROWS_WITH(metadata.at("absent"), "tfm: x.gguf: key 'absent' is missing");
    CHECK_THROWS_WITH(metadata.at("text").integer(),
                      "tfm: x.gguf: key 'text': found the string 'a\\x00b', expected an integer");
    CHECK_THROWS_WITH(metadata.at("u8").text(), "tfm: x.gguf: key 'u8': found u8 200, expected a string");
    CHECK_THROWS_WITH(metadata.at("i8").integer(0, 9),
                      "tfm: x.gguf: key 'i8': found i8 -3, expected an integer from 0 to 9");
    CHECK_THROWS_WITH(metadata.at("u64").integer(),
                      Contains("found u64 18446744073709551615, expected an integer from "));
    CHECK_THROWS_WITH(metadata.at("f32").integer(), "tfm: x.gguf: key 'f32': found f32 1.5, expected an integer");
    CHECK_THROWS_WITH(metadata.at("bool").number(), "tfm: x.gguf: key 'bool': found boolean 1, expected a number");
    CHECK_THROWS_WITH(metadata.at("i32").boolean(), "tfm: x.gguf: key 'i32': found i32 -5, expected a boolean");
    CHECK_THROWS_WITH(metadata.at("texts").text(),
                      "tfm: x.gguf: key 'texts': found an array of 3 string, expected a string");
    CHECK_THROWS_WITH(metadata.at("ints").texts(),
                      "tfm: x.gguf: key 'ints': found an array of 2 i32, expected an array of strings");
    CHECK_THROWS_WITH(metadata.at("ints").integers(0),
                      "tfm: x.gguf: key 'ints': found -2 at place 1, expected integers from 0 to 2147483647");
    CHECK_THROWS_WITH(metadata.at("wide").integers(), Contains("found 18446744073709551615 at place 1"));
    CHECK_THROWS_WITH(metadata.at("ints").numbers(), Contains("expected an array of floats"));
    CHECK_THROWS_WITH(metadata.at("ints").bytes(), Contains("expected an array of bytes"));
  }
  const auto two = patched(bytes, "bool", 4, std::uint8_t{2});
  CHECK_THROWS_WITH(read(two).metadata.at("bool").boolean(),
                    "tfm: x.gguf: key 'bool': found boolean 2, expected 0 or 1");
}

TEST_CASE("tensors of every type are written and read back, shapes in PyTorch's order") {
  std::vector<Made> made;
  made.emplace_back("q", DataType::q4_0, std::vector<Index>{3, 64}, 3 * 36);
  made.emplace_back("norm", DataType::f32, std::vector<Index>{5}, 20);
  for (int i = 0; i < tfm::stored_format_count; ++i)
    if (const auto type = static_cast<DataType>(i); tfm::gguf_number(type) >= 0)
      made.emplace_back(std::string(tfm::name(type)), type, std::vector<Index>{2, 3, tfm::block_size(type)},
                        static_cast<std::size_t>(6 * tfm::block_bytes(type)));
  REQUIRE(made.size() == 2 + 34);
  made.emplace_back("scalar", DataType::f64, std::vector<Index>{}, 8);
  made.emplace_back("four", DataType::i8, std::vector<Index>{2, 1, 3, 1}, 6);
  made.emplace_back("nothing", DataType::f16, std::vector<Index>{0, 3}, 0);
  for (const Index alignment : {8, 32, 256}) {
    tfm::GgufWriter writer(alignment);
    writer.set("general.architecture", "test");
    for (const auto& m : made) writer.add(m.tensor);
    writer.add("made", DataType::i32, {2}, [](std::span<std::byte> out) {
      for (auto& b : out) b = std::byte{42};
    });
    const auto bytes = writer.bytes();
    const auto store = read(bytes).tensors;
    REQUIRE(store.tensors().size() == made.size() + 1);
    for (std::size_t i = 0; i < made.size(); ++i) {
      const tfm::Tensor &wrote = made[i].tensor, &found = store.tensors()[i];
      INFO(wrote.name);
      CHECK(found.name == wrote.name);
      CHECK(found.type == wrote.type);
      CHECK(found.shape == wrote.shape);
      CHECK(std::equal(wrote.bytes.begin(), wrote.bytes.end(), found.bytes.begin(), found.bytes.end()));
      CHECK((found.bytes.data() - bytes.data()) % alignment == 0);
    }
    CHECK(store.at("Q6_K").type == DataType::q6_k);
    CHECK(store.at("Q6_K").type_name == "Q6_K");
    CHECK(store.at("made").bytes[7] == std::byte{42});
  }
}

TEST_CASE("what GGUF cannot hold is not written") {
  tfm::GgufWriter writer;
  writer.add(Made("t", DataType::f32, {2}, 8).tensor);
  const auto refused = [&](const Made& made, const std::string& what) {
    CHECK_THROWS_WITH(writer.add(made.tensor),
                      Contains("tfm: cannot write tensor '" + made.tensor.name + "' as GGUF: " + what));
  };
  refused({"t", DataType::f32, {2}, 8}, "a tensor of this name is there already");
  refused({"u", DataType::u8, {2}, 2}, "the format has no type U8");
  refused({"u", DataType::boolean, {2}, 2}, "the format has no type BOOL");
  refused({"u", DataType::f8_e5m2, {2}, 2}, "the format has no type F8_E5M2");
  refused({"u", DataType::f32, {1, 1, 1, 1, 1}, 4}, "found 5 dimensions, expected at most 4");
  refused({"u", DataType::q8_0, {32, 16}, 544}, "found rows of 16 values, expected a multiple of 32 for Q8_0");
  refused({"u", DataType::f32, {3}, 8}, "found 8 bytes, expected 12 for [3] of F32");
  refused({"u", DataType::f32, {-1}, 8}, "found the shape [-1]");
  refused({"u", DataType::f32, {Index{1} << 62, 2}, 8}, "the sizes [4611686018427387904, 2] are too large for a file");
  for (const Index bad : {0, 4, 24, 131'072}) CHECK_THROWS_AS(tfm::GgufWriter(bad), tfm::OptionError);
}

TEST_CASE("a damaged GGUF file is refused with what was found and expected") {
  tfm::GgufWriter writer;
  const Made q("blk.q", DataType::q8_0, {2, 32}, 68), n("blk.n", DataType::f32, {4}, 16);
  writer.set("general.alignment", std::uint32_t{32});
  writer.set("name", "x");
  writer.add(q.tensor);
  writer.add(n.tensor);
  const auto good = writer.bytes();
  REQUIRE_NOTHROW(read(good));
  const auto refused = [](const std::vector<std::byte>& bytes, const std::string& what) {
    CHECK_THROWS_WITH(read(bytes), "tfm: x.gguf: " + what);
  };
  refused({}, "cut short or damaged: the magic number at byte 0 should have 4 bytes, and 0 are left");
  refused(patched(good, "", 0, std::uint32_t{0x4c4d4747}), "no GGUF file: it begins with 'GGML', expected 'GGUF'");
  refused(patched(good, "GGUF", 0, std::uint32_t{1}), "GGUF version 1, which is not supported; expected 2 or 3");
  refused(patched(good, "GGUF", 0, std::uint32_t{4}), "GGUF version 4, which is not supported; expected 2 or 3");
  refused(patched(good, "GGUF", 0, std::uint32_t{3 << 24}), "a big-endian GGUF file, which is not supported");
  CHECK_NOTHROW(read(patched(good, "GGUF", 0, std::uint32_t{2})));
  CHECK_THROWS_WITH(read(patched(good, "GGUF", 4, std::uint64_t{1} << 60)),
                    Contains("found 1152921504606846976 tensors in the header, expected at most "));
  CHECK_THROWS_WITH(read(patched(good, "GGUF", 12, ~std::uint64_t{0})),
                    Contains("found 18446744073709551615 keys in the header, expected at most "));
  refused(patched(good, "general.alignment", 4, std::uint32_t{24}),
          "key 'general.alignment': found 24, expected a power of two");
  refused(patched(good, "general.alignment", 4, std::uint32_t{0}),
          "key 'general.alignment': found u32 0, expected an integer from 8 to 65536");
  refused(patched(good, "general.alignment", 0, std::uint32_t{13}),
          "key 'general.alignment' has a value of the unknown type 13");
  CHECK_THROWS_WITH(
      read(patched(good, "name", 4, ~std::uint64_t{0})),
      Contains("cut short or damaged: a string at byte ") && Contains("should have 18446744073709551615 bytes"));
  refused(patched(good, "blk.q", 0, std::uint32_t{5}), "tensor 'blk.q': found 5 dimensions, expected at most 4");
  refused(patched(good, "blk.q", 4, std::uint64_t{33}),
          "tensor 'blk.q': found rows of 33 values, expected a multiple of 32 for Q8_0");
  refused(patched(good, "blk.q", 12, std::uint64_t{1} << 62),
          "tensor 'blk.q': the sizes [4611686018427387904, 32] are too large for a file");
  refused(patched(good, "blk.q", 12, std::uint64_t{1} << 63),
          "tensor 'blk.q': found a dimension of 9223372036854775808, which is too large for a file");
  refused(patched(good, "blk.q", 20, std::uint32_t{4}),
          "tensor 'blk.q': found the type number 4, which is none of ggml's");
  refused(patched(good, "blk.q", 24, std::uint64_t{16}),
          "tensor 'blk.q': found the offset 16, expected a multiple of 32");
  refused(patched(good, "blk.q", 24, std::uint64_t{32}), "tensors 'blk.q' and 'blk.n' lie over each other");
  refused(patched(good, "blk.n", 16, std::uint64_t{64}), "tensors 'blk.q' and 'blk.n' lie over each other");
  refused(
      patched(good, "blk.q", 24, std::uint64_t{1} << 40),
      "cut short or damaged: tensor 'blk.q' should have 68 bytes from byte 1099511627776 of the data, which has 128");
  refused(patched(good, "blk.", 0, 'n'), "tensor 'blk.n' is there twice");
  auto twice = writer;
  twice.set("nam2", "y");
  refused(patched(twice.bytes(), "nam", 0, '2'), "key 'nam2' is there twice");
  for (std::size_t size_left = 0; size_left < good.size() - 16; ++size_left) {  // the last 16 bytes are padding
    INFO(size_left);
    const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size_left));
    CHECK_THROWS_AS(read(cut), tfm::LoadError);
  }
}

TEST_CASE("arrays of arrays are passed over, up to a depth") {
  tfm::GgufWriter writer;
  writer.set("a", std::vector<std::uint8_t>{7});
  const auto nested = [&](int depth) {
    auto bytes = writer.bytes();
    bytes.resize(4 + 4 + 8 + 8 + 8 + 1 + 4);  // up to the array's element type
    const auto add = [&](auto value) {
      const auto part = std::as_bytes(std::span(&value, 1));
      bytes.insert(bytes.end(), part.begin(), part.end());
    };
    for (int i = 1; i < depth; ++i) add(std::uint32_t{9}), add(std::uint64_t{1});
    add(std::uint32_t{0}), add(std::uint64_t{1}), add(std::uint8_t{7});
    return bytes;
  };
  CHECK(read(nested(1)).metadata.at("a").integers() == std::vector<std::int32_t>{7});
  const auto eight = nested(8);
  CHECK_THROWS_WITH(read(eight).metadata.at("a").integers(),
                    "tfm: x.gguf: key 'a': found an array of 1 array, expected an array of integers");
  CHECK_THROWS_WITH(read(nested(9)), "tfm: x.gguf: key 'a' has arrays nested deeper than 8");
  CHECK_THROWS_AS(read(nested(100'000)), tfm::LoadError);
}

TEST_CASE("a GGUF file outlives its name: tensors and metadata keep the mapping") {
  const tfm_test::TemporaryFolder folder;
  tfm::GgufWriter writer;
  writer.set("name", "x");
  const Made t("t", DataType::f32, {2}, 8);
  writer.add(t.tensor);
  writer.write(folder / "x.gguf");
  tfm::GgufMetadata metadata;
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
  {
    const auto file = tfm::read_gguf(folder / "x.gguf");
    metadata = file.metadata;
    owner = file.tensors.owner(file.tensors.at("t"));
    bytes = file.tensors.at("t").bytes;
    file.tensors.drop(file.tensors.at("t"));
  }
  std::filesystem::remove(folder / "x.gguf");
  CHECK(metadata.at("name").text() == "x");
  CHECK(owner != nullptr);
  CHECK(std::equal(bytes.begin(), bytes.end(), t.bytes.begin(), t.bytes.end()));
}

TEST_CASE("real vocabularies are read without tensors") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/vocab");
  if (!folder) return;
  const auto llama = tfm::read_gguf_metadata(*folder / "ggml-vocab-llama-spm.gguf");
  CHECK(llama.at("tokenizer.ggml.model").text() == "llama");
  const auto tokens = llama.at("tokenizer.ggml.tokens").texts();
  REQUIRE(tokens.size() == 32000);
  CHECK(tokens[3] == "<0x00>");
  CHECK(llama.at("tokenizer.ggml.scores").numbers().size() == 32000);
  CHECK(llama.at("tokenizer.ggml.token_type").integers(0, 6)[3] == 6);
  const auto gpt2 = tfm::read_gguf(*folder / "ggml-vocab-gpt-2.gguf");
  CHECK(gpt2.tensors.tensors().empty());
  CHECK(gpt2.metadata.at("tokenizer.ggml.merges").count() == 50000);
}

TEST_CASE("a real model has the same weights in GGUF and in safetensors") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/stories260K");
  if (!folder) return;
  const auto gguf = tfm::read_gguf(*folder / "stories260K.F32.gguf").tensors;
  const auto hf = tfm::read_safetensors_folder(*folder / "hf");
  const auto equal = [&](const char* a, const char* b) {
    const tfm::Tensor &x = gguf.at(a), &y = hf.at(b);
    CHECK(x.shape == y.shape);
    CHECK(std::equal(x.bytes.begin(), x.bytes.end(), y.bytes.begin(), y.bytes.end()));
  };
  equal("token_embd.weight", "model.embed_tokens.weight");
  equal("blk.4.ffn_down.weight", "model.layers.4.mlp.down_proj.weight");
  equal("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight");
  CHECK(gguf.at("blk.0.ffn_down.weight").shape == std::vector<Index>{64, 172});
}
