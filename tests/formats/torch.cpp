// PyTorch's files against the tensors that PyTorch itself gives: views, parameters, shared storages, every dtype.
#include <algorithm>
#include <bit>
#include <string>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "tfm/formats/safetensors.hpp"
#include "tfm/formats/torch_zip.hpp"

using namespace tfm;

namespace {

void holds_what_torch_gives(const char* file) {
  INFO(file);
  const auto path = tfm_test::require(tfm_test::golden() / "pickle" / file);
  const auto expected = tfm_test::require(tfm_test::golden() / "pickle/traits.safetensors");
  if (!path || !expected) return;
  const TensorStore found = read_torch(*path), wanted = read_safetensors(*expected);
  REQUIRE(found.tensors().size() == wanted.tensors().size());
  for (const Tensor& tensor : wanted.tensors()) {
    INFO(tensor.name);
    REQUIRE(tensor.name.starts_with("t."));
    const Tensor& same = found.at(std::string_view(tensor.name).substr(2));
    CHECK(same.type == tensor.type);
    CHECK(same.shape == tensor.shape);
    CHECK(std::equal(same.bytes.begin(), same.bytes.end(), tensor.bytes.begin(), tensor.bytes.end()));
    CHECK(found.file_of(same) == path->string());
  }
}

using tfm_test::error_of;

std::string bytes(const char* data, std::size_t n) { return std::string(data, n); }
/// A short string as a pickle has it.
std::string text(std::string_view value) {
  return bytes("X", 1) + static_cast<char>(value.size()) + std::string(3, '\0') + std::string(value);
}
/// A pickle of protocol 2 with the opcodes `body`, read. What it holds points into `kept`.
std::string kept;
Pickle read(std::string_view body) {
  kept = "\x80\x02" + std::string(body);
  return unpickle(bytes_of(kept), "x.bin");
}
std::string refused(std::string_view body) { return error_of<LoadError>([&] { read(body); }); }

}  // namespace

TEST_CASE("PyTorch's archives give the tensors that PyTorch gives", "[golden]") {
  holds_what_torch_gives("traits.bin");
}
TEST_CASE("PyTorch's archives of protocol 4 give the tensors that PyTorch gives", "[golden]") {
  holds_what_torch_gives("traits_protocol4.bin");
}
TEST_CASE("tensors under state_dict are found beside things that are no tensors", "[golden]") {
  holds_what_torch_gives("nested.bin");
}
TEST_CASE("files of PyTorch before 1.6 give the tensors that PyTorch gives", "[golden]") {
  holds_what_torch_gives("before_zip.bin");
}

TEST_CASE("plain values of a pickle are read, and the rest is refused by name") {
  using Kind = PickleKind;
  const Pickle p = read("}(" + text("byte") + "K\7" + text("int") + bytes("J\xfe\xff\xff\xff", 5) + text("float") +
                        bytes("G\x3f\xf8\0\0\0\0\0\0", 9) + text("list") + "]q\1(\x88\x89Ne" + text("same") + "h\1" +
                        text("minus 256") + bytes("\x8a\2\0\xff", 4) + text("zero") + bytes("\x8a\0", 2) +
                        text("2^32") + bytes("\x8a\5\0\0\0\0\1", 7) + text("pair") + text("x") + "N\x86" + "u.");
  const auto at = [&](std::string_view key) { return p.find(p.root, key).value(); };
  CHECK(at("byte").integer() == 7);
  CHECK(at("int").integer() == -2);
  CHECK(std::bit_cast<double>(at("float").bits) == 1.5);
  REQUIRE(at("list").is(Kind::list));
  CHECK(p.items(at("list")).size() == 3);
  CHECK(at("same").bits == at("list").bits);
  CHECK(at("minus 256").integer() == -256);
  CHECK(at("zero").integer() == 0);
  CHECK(at("2^32").integer() == Index{1} << 32);
  REQUIRE(at("pair").is(Kind::tuple));
  CHECK(p.text(p.items(at("pair"))[0]) == "x");

  const std::string not_run = ", which is no tensor and no plain container: refused, and not run";
  CHECK(refused("cos\nsystem\n.") == "tfm: x.bin: the pickle, at byte 2: names 'os.system'" + not_run);
  CHECK(refused("(ios\nsystem\n.") == "tfm: x.bin: the pickle, at byte 3: names 'os.system'" + not_run);
  CHECK(refused(text("os") + text("system") + "\x93.") == "tfm: x.bin: the pickle, at byte 20: names 'os.system'" + not_run);
  CHECK(refused("ctorch\nload\n.") == "tfm: x.bin: the pickle, at byte 2: names 'torch.load'" + not_run);
  CHECK(refused("\x82\1.") == "tfm: x.bin: the pickle, at byte 2: opcode 130, which PyTorch writes for no tensor and no plain container");
  CHECK(refused("ctorch\nFloatStorage\n)R.") == "tfm: x.bin: the pickle, at byte 23: FloatStorage is called, expected its name only");
  CHECK(refused("NN.") == "tfm: x.bin: the pickle, at byte 4: the stack holds 2 values at its end, expected one");
  CHECK(refused("0") == "tfm: x.bin: the pickle, at byte 2: takes 1 values off a stack that has fewer");
  CHECK(refused("(0u") == "tfm: x.bin: the pickle, at byte 4: takes values up to a mark, and there is none");
  CHECK(refused("N.x") == "tfm: x.bin: 1 bytes follow the pickle's end, expected none");
  CHECK(refused(std::string(600'000, 'N')) == "tfm: x.bin: the pickle, at byte 500002: more than 500000 values");
  CHECK(error_of<LoadError>([] { unpickle(bytes_of("\x80\5N."), "x.bin"); }) ==
        "tfm: x.bin: the pickle, at byte 0: protocol 5, expected 2, 3 or 4");
}

TEST_CASE("what is no file of PyTorch's is refused") {
  const auto read_bytes = [](std::string_view all) {
    return error_of<LoadError>([&] { read_torch_from(TensorSource::borrowed(bytes_of(all), "x.bin")); });
  };
  CHECK(read_bytes("GGUF") == "tfm: x.bin: no PyTorch checkpoint: found neither a zip archive nor a pickle");
  CHECK(read_bytes("PK\3\4").starts_with("tfm: x.bin: no zip archive that can be read: "));
  CHECK(read_bytes("\x80\2}.") ==
        "tfm: x.bin: a pickle that is no PyTorch checkpoint: its first value is a dictionary, expected PyTorch's magic number");
}
