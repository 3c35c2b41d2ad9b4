#include "tfm/formats/safetensors.hpp"

#include <cstring>
#include <fstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/file_text.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/safetensors_writer.hpp"

using Catch::Matchers::Contains;
using tfm_test::file_text;

namespace {

std::string file_with(std::string_view header, std::string_view data) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out.append(header).append(data);
}
tfm::TensorStore read(const std::string& bytes) { return tfm::read_safetensors(tfm::bytes_of(bytes), "x.safetensors"); }

tfm::Tensor tensor(std::string name, tfm::DataType type, std::vector<tfm::Index> shape, std::string_view bytes,
                   std::string type_name = {}) {
  return {std::move(name), type, std::move(type_name), std::move(shape), tfm::bytes_of(bytes)};
}

}  // namespace

TEST_CASE("a safetensors file gives names, types, shapes and bytes, in the order of the bytes") {
  const std::string bytes = file_with(R"({"b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},
                                         "__metadata__":{"format":"pt"},
                                         "a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]},
                                         "e":{"dtype":"U16","shape":[0,7],"data_offsets":[12,12]}})",
                                      "ABCDefghijkl");
  const auto store = read(bytes);
  REQUIRE(store.tensors().size() == 3);
  CHECK(store.tensors()[0].name == "a");
  const tfm::Tensor& b = store.at("b");
  CHECK(b.type == tfm::DataType::f32);
  CHECK(b.type_name == "F32");
  CHECK(b.shape == std::vector<tfm::Index>{2, 1});
  CHECK(b.size() == 2);
  CHECK(std::memcmp(b.bytes.data(), "efghijkl", 8) == 0);
  CHECK(static_cast<const void*>(b.bytes.data()) == bytes.data() + bytes.size() - 8);  // not copied
  CHECK(store.at("e").type == tfm::DataType::u16);
  CHECK(store.at("e").type_name == "U16");
  CHECK(store.at("e").bytes.empty());
  CHECK(store.at("e").size() == 0);
  CHECK(store.metadata().size() == 1);
  CHECK(store.metadata()[0] == std::pair<std::string, std::string>("format", "pt"));
  CHECK(store.find("c") == nullptr);
  CHECK_THROWS_WITH(store.at("c"), "tfm: x.safetensors: tensor 'c' is missing");
}

TEST_CASE("a damaged safetensors file is refused with the tensor, found and expected") {
  const auto refused = [](const std::string& header, const std::string& data, const std::string& what) {
    INFO(header);
    CHECK_THROWS_WITH(read(file_with(header, data)), "tfm: x.safetensors: " + what);
  };
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  refused(entry("\"F31\"", "[1]", "[0,4]"), "abcd",
          "'t.dtype': found the string 'F31', which is not a type of safetensors");
  refused(entry("\"F32\"", "[2]", "[0,4]"), "abcd", "'t.data_offsets': found 4 bytes, expected 8 for [2] of F32");
  refused(entry("\"F32\"", "[-1]", "[0,4]"), "abcd", "'t.shape[0]': found -1, expected at least 0");
  refused(entry("\"F32\"", "[4294967296,4294967296]", "[0,4]"), "abcd",
          "'t.shape': the sizes [4294967296, 4294967296] are too large for a file");
  refused(entry("\"F32\"", "[1]", "[1,5]"), "abcd",
          "'t.data_offsets': found 1 to 5, expected a part of the 4 bytes of data");
  refused(entry("\"F32\"", "[1]", "[4,0]"), "abcd",
          "'t.data_offsets': found 4 to 0, expected a part of the 4 bytes of data");
  refused(entry("\"F32\"", "[1]", "[0,4,4]"), "abcd", "'t.data_offsets': found 3 numbers, expected begin and end");
  refused(entry("\"F32\"", "[1]", "[1,5]"), "abcdef",
          "tensor 't' begins at byte 1 of the data, expected 0, where the one before it ends");
  refused(entry("\"F32\"", "[1]", "[0,4]"), "abcdef", "found 6 bytes of data, expected 4, where the last tensor ends");
  refused(entry("\"F4\"", "[1]", "[0,0]"), "", "'t.shape': [1] of F4 is no whole number of bytes");
  refused(
      R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      "a", "tensor 'u' begins at byte 0 of the data, expected 1, where the one before it ends");
  refused(R"({"__metadata__":{"a":1}})", "", "'__metadata__.a': found the integer 1, expected a string");
  refused(R"( {})", "", "the safetensors header does not begin with '{'");
  CHECK_THROWS_WITH(read("1234567"), Contains("found 7 bytes, expected at least the 8"));
  CHECK_THROWS_WITH(read(file_with("{}", "").substr(0, 9)),
                    Contains("its header should have 2 bytes, and the file has 9"));
}

TEST_CASE("what is written is read back, aligned, and always the same bytes") {
  const tfm_test::TemporaryFolder folder;
  const std::string eight = "12345678", four = "abcd", three = "xyz";
  std::vector<tfm::Tensor> tensors{
      tensor("u\"8", tfm::DataType::u8, {3}, three),      tensor("z", tfm::DataType::f32, {1, 2}, eight),
      tensor("h", tfm::DataType::bf16, {2}, four),        tensor("scalar", tfm::DataType::i64, {}, eight),
      tensor("none", tfm::DataType::f16, {0, 5}, {}),     tensor("b", tfm::DataType::boolean, {1, 3}, three),
      tensor("w", tfm::DataType::u32, {1}, four)};
  tfm::write_safetensors(folder / "a.safetensors", tensors, {{"z", "1"}, {"a", "\xc3\xa9"}});
  const auto store = tfm::read_safetensors(folder / "a.safetensors");
  CHECK(store.tensors().size() == tensors.size());
  const auto* const start = store.tensors()[0].bytes.data();
  for (const auto& t : tensors) {
    const tfm::Tensor& found = store.at(t.name);
    CHECK(found.type == t.type);
    CHECK(found.shape == t.shape);
    CHECK(std::equal(t.bytes.begin(), t.bytes.end(), found.bytes.begin(), found.bytes.end()));
    CHECK((found.bytes.data() - start) % tfm::block_bytes(t.type) == 0);
  }
  CHECK(reinterpret_cast<std::uintptr_t>(start) % 8 == 0);
  CHECK(store.metadata().size() == 2);
  CHECK(store.metadata()[0].second == "\xc3\xa9");

  std::reverse(tensors.begin(), tensors.end());
  tfm::write_safetensors(folder / "b.safetensors", tensors, {{"a", "\xc3\xa9"}, {"z", "1"}});
  CHECK(file_text(folder / "a.safetensors") == file_text(folder / "b.safetensors"));
  tfm::write_safetensors(folder / "none.safetensors", {});
  CHECK(tfm::read_safetensors(folder / "none.safetensors").tensors().empty());
}

TEST_CASE("what the format cannot hold is not written") {
  const tfm_test::TemporaryFolder folder;
  const auto refused = [&](std::vector<tfm::Tensor> tensors, const std::string& what) {
    CHECK_THROWS_WITH(tfm::write_safetensors(folder / "x", tensors), Contains("tfm: ") && Contains(what));
    CHECK(std::filesystem::is_empty(folder.path()));
  };
  const std::string block(34, 'x');
  refused({tensor("t", tfm::DataType::q8_0, {32}, block)},
          "cannot write tensor 't' as safetensors: the format has no type Q8_0");
  refused({tensor("t", tfm::DataType::q6_k, {32}, block)}, "the format has no type Q6_K");
  refused({tensor("t", tfm::DataType::f32, {2}, "abcd")},
          "cannot write tensor 't' as safetensors: found 4 bytes for [2] of F32");
  refused({tensor("t", tfm::DataType::u8, {1}, "a"), tensor("t", tfm::DataType::u8, {1}, "b")},
          "tensor 't' is there twice");
  refused({tensor("\xff", tfm::DataType::u8, {1}, "a")}, "'\\xff' is not UTF-8");
  refused({tensor("__metadata__", tfm::DataType::u8, {1}, "a")}, "'__metadata__'");
}

TEST_CASE("a model in shards is read through its index") {
  const tfm_test::TemporaryFolder folder;
  const auto index = [&](const std::string& text) { std::ofstream(folder / "model.safetensors.index.json") << text; };
  const auto shard = [&](const std::string& name, std::vector<tfm::Tensor> tensors) {
    tfm::write_safetensors(folder / name, tensors);
  };
  shard("1.safetensors", {tensor("a", tfm::DataType::u8, {2}, "aa")});
  shard("2.safetensors", {tensor("b", tfm::DataType::u8, {3}, "bbb")});
  index(R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  const auto store = tfm::read_safetensors_folder(folder.path());
  CHECK(store.tensors().size() == 2);
  CHECK(store.at("b").bytes.size() == 3);
  CHECK(store.file_of(store.at("a")) == (folder / "1.safetensors").string());
  CHECK(store.file_of(store.at("b")) == (folder / "2.safetensors").string());
  CHECK(store.owner(store.at("a")) != store.owner(store.at("b")));
  store.drop(store.at("a"));
  CHECK(std::memcmp(store.at("a").bytes.data(), "aa", 2) == 0);

  const auto refused = [&](const std::string& what) {
    CHECK_THROWS_WITH(tfm::read_safetensors_folder(folder.path()), Contains("tfm: ") && Contains(what));
  };
  for (const std::string bad : {"../1.safetensors", "/etc/passwd", ".", "..", ""}) {
    index(R"({"weight_map": {"a": ")" + bad + R"("}})");
    refused("model.safetensors.index.json: 'weight_map.a': found the string '" + bad +
            "', expected the name of a file in the same folder");
  }
  index(R"({"weight_map": {"a": "2.safetensors"}})");
  refused("2.safetensors: tensor 'a' is missing, which ");
  index(R"({"weight_map": {"a": "1.safetensors", "c": "3.safetensors"}})");
  refused("cannot open " + (folder / "3.safetensors").string() + ": No such file or directory");
  index(R"({"weight_map": {}})");
  refused("'weight_map': found no tensor");
  shard("2.safetensors", {tensor("a", tfm::DataType::u8, {2}, "cc"), tensor("b", tfm::DataType::u8, {3}, "bbb")});
  index(R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  refused("tensor 'a' is in " + (folder / "1.safetensors").string() + " and again in " +
          (folder / "2.safetensors").string());
  std::filesystem::remove(folder / "model.safetensors.index.json");
  refused("cannot open " + (folder / "model.safetensors").string());
}

TEST_CASE("shards hold the same tensors as the single file of the same model") {
  for (const char* model : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / model);
    if (!folder) return;
    const auto single = tfm::read_safetensors_folder(*folder / "safetensors"),
               sharded = tfm::read_safetensors_folder(*folder / "sharded");
    REQUIRE(single.tensors().size() == sharded.tensors().size());
    for (const auto& t : single.tensors()) {
      const auto& other = sharded.at(t.name);
      CHECK(t.shape == other.shape);
      CHECK(std::equal(t.bytes.begin(), t.bytes.end(), other.bytes.begin(), other.bytes.end()));
    }
  }
}

TEST_CASE("goldens are read as the numbers that they are") {
  const auto file = tfm_test::require(tfm_test::golden() / "int8.safetensors");
  if (!file) return;
  const tfm_test::Golden golden(*file);
  CHECK(golden.shape("plain.w") == std::vector<tfm::Index>{48, 64});
  const auto w = golden.floats("plain.w"), scale = golden.floats("plain.scale");
  const auto q = golden.int32s("plain.q");
  REQUIRE(w.size() == 48 * 64);
  for (std::size_t i = 0; i < w.size(); ++i)
    CHECK(std::abs(w[i] - static_cast<float>(q[i]) * scale[i / 64] / 127) <= 0.51f * scale[i / 64] / 127);
  CHECK(golden.floats("plain.q")[5] == static_cast<float>(q[5]));
  CHECK_THROWS_WITH(golden.int64s("plain.w"), Contains("tensor 'plain.w' is of type F32, which does not convert"));
}
