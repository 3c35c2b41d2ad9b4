#include "tfm/formats/tensor_store.hpp"

#include <array>

#include "support/catch.hpp"

using tfm::DataType;

TEST_CASE("every type of a file that tfm computes with has the format of the same name and layout") {
  int formats = 0;
  for (int i = 0; i < tfm::stored_format_count; ++i) {
    const auto type = static_cast<DataType>(i);
    const auto format = tfm::format_of(type);
    if (!format) continue;
    ++formats;
    CHECK(*format == type);
    CHECK(tfm::weight_format(type) == format);
    CHECK(tfm::row_bytes(type, tfm::block_size(type)) == tfm::block_bytes(type));
  }
  CHECK(formats == tfm::format_count - 1);  // Int8's scales are a tensor of their own
  CHECK(!tfm::format_of(DataType::i8));
  CHECK(tfm::weight_format(DataType::i8) == tfm::Format::int8);
  CHECK(!tfm::weight_format(DataType::u8));
}

TEST_CASE("stores over the caller's bytes are merged, and say where a name is there twice") {
  const std::array<std::byte, 4> a{}, b{}, c{};
  const auto store = [](std::span<const std::byte> bytes, std::string file, std::string name) {
    return tfm::TensorStore(tfm::TensorSource::borrowed(bytes, std::move(file)),
                            {{std::move(name), DataType::u8, "U8", {4}, bytes}}, {{"k", "v"}});
  };
  std::vector<tfm::TensorStore> parts{store(a, "one", "z"), store(b, "two", "y")};
  const auto merged = tfm::TensorStore::merge(parts, "both");
  CHECK(merged.file() == "both");
  CHECK(merged.tensors()[0].name == "z");
  CHECK(merged.at("y").bytes.data() == b.data());
  CHECK(merged.file_of(merged.at("y")) == "two");
  CHECK(merged.owner(merged.at("y")) == nullptr);
  CHECK(merged.metadata().size() == 1);
  const tfm::TensorStore copy = merged;
  CHECK(copy.find("z") == &copy.tensors()[0]);
  CHECK(copy.file_of(merged.at("z")) == "one");
  parts.push_back(store(c, "three", "z"));
  CHECK_THROWS_WITH(tfm::TensorStore::merge(parts, "all"), "tfm: all: tensor 'z' is in one and again in three");
  CHECK(tfm::TensorStore().find("z") == nullptr);
}

TEST_CASE("names and shapes out of files are printable in messages") {
  CHECK(tfm::in_quotes("a\n\xff'") == "'a\\x0a\\xff''");
  CHECK(tfm::in_quotes(std::string(200, 'x')) == "'" + std::string(96, 'x') + "...' (200 bytes)");
  CHECK(tfm::shape_text(std::vector<tfm::Index>{}) == "[]");
  CHECK(tfm::shape_text(std::vector<tfm::Index>{3, 4}) == "[3, 4]");
  CHECK(tfm::shape_text(std::vector<tfm::Index>(100, 1)) == "[1, 1, 1, 1, 1, 1, 1, 1, ... (100 dimensions)]");
}
