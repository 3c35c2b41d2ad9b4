// Files that are valid, or nearly, and made to cost: memory stays under twice the file and 64 MiB, time under 10
// seconds.
#include <fstream>
#include <functional>

#include "support/hostile.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/safetensors.hpp"

namespace {

std::string repeated(int times, const std::function<std::string(int)>& part) {
  std::string out;
  for (int i = 0; i < times; ++i) out += (i > 0 ? "," : "") + part(i);
  return out;
}
template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string safetensors_with(const std::string& header, const std::string& data = {}) {
  return raw(std::uint64_t{header.size()}) + header + data;
}

/// A case like those of the corpus: `bytes` under a name, and what is promised of it.
template <class Read>
void costs_little(const std::string& name, const std::string& bytes, const std::string& expect, Read read) {
  const tfm_test::TemporaryFolder folder;
  std::ofstream(folder / name, std::ios::binary) << bytes;
  tfm_test::hold_to_promise({name, "", "parse", expect, folder / name}, {"parse"}, read);
}
void read_json(const std::filesystem::path& path) { tfm::read_json(path); }
void read_safetensors(const std::filesystem::path& path) { tfm::read_safetensors(path); }
void read_gguf(const std::filesystem::path& path) { tfm::read_gguf(path); }

}  // namespace

TEST_CASE("JSON with as much in it as is allowed, and more", "[cost]") {
  costs_little("numbers", "[" + repeated(1'999'999, [](int) { return "1"; }) + "]", "ok", read_json);
  costs_little("more-numbers", "[" + repeated(2'000'000, [](int) { return "1"; }) + "]", "error", read_json);
  costs_little("many-numbers", "[" + repeated(20'000'000, [](int) { return "1"; }) + "]", "error", read_json);
  costs_little("keys", "{" + repeated(1'900'000, [](int i) { return '"' + std::to_string(i) + "\":1"; }) + "}", "ok",
               read_json);
  costs_little("same-key", "{" + repeated(1'900'000, [](int) { return "\"k\":1"; }) + "}", "error", read_json);
  costs_little("escapes", "[\"" + std::string(4 << 20, '\\') + "\"]", "ok", read_json);
  costs_little("bad-string", "[\"" + std::string(7 << 20, 'x'), "error", read_json);
  costs_little("bad-number", "[" + std::string(7 << 20, '1') + "x", "error", read_json);
  costs_little("long-string", "[\"" + std::string(100 << 20, 'x') + "\"]", "error", read_json);
}

TEST_CASE("safetensors headers with as much in them as is allowed, and more", "[cost]") {
  const auto tensors = [](int n) {
    return "{" +
           repeated(n,
                    [](int i) {
                      return '"' + std::to_string(i) + R"(":{"dtype":"F16","shape":[0],"data_offsets":[0,0]})";
                    }) +
           "}";
  };
  costs_little("tensors", safetensors_with(tensors(131'072)), "ok", read_safetensors);
  costs_little("more-tensors", safetensors_with(tensors(131'073)), "error", read_safetensors);
  const std::string ones = repeated(1'400'000, [](int) { return "1"; });
  costs_little("dimensions",
               safetensors_with(R"({"t":{"dtype":"U8","shape":[)" + ones + R"(],"data_offsets":[0,1]}})", "x"), "ok",
               read_safetensors);
  const auto texts = [](int n) {
    return R"({"__metadata__":{)" + repeated(n, [](int i) { return '"' + std::to_string(i) + R"(":"")"; }) + "}}";
  };
  costs_little("metadata", safetensors_with(texts(65'536)), "ok", read_safetensors);
  costs_little("more-metadata", safetensors_with(texts(65'537)), "error", read_safetensors);
  costs_little("much-metadata", safetensors_with(texts(1'000'000)), "error", read_safetensors);
}

TEST_CASE("GGUF files with as much in them as is allowed, and more", "[cost]") {
  const auto head = [](std::uint64_t n_tensors, std::uint64_t n_keys) {
    return "GGUF" + raw(std::uint32_t{3}) + raw(n_tensors) + raw(n_keys);
  };
  const auto text = [](const std::string& s) { return raw(std::uint64_t{s.size()}) + s; };
  for (const int n : {131'072, 131'073}) {
    std::string out = head(static_cast<std::uint64_t>(n), 0);
    for (int i = 0; i < n; ++i) {
      out += text(std::to_string(i)) + raw(std::uint32_t{4}) + raw(std::uint64_t{0}) + raw(std::uint64_t{1}) +
             raw(std::uint64_t{1}) + raw(std::uint64_t{1}) + raw(std::uint32_t{0}) + raw(std::uint64_t{0});
    }
    costs_little("tensors-" + std::to_string(n), out, n == 131'072 ? "ok" : "error", read_gguf);
  }
  for (const int n : {65'536, 65'537}) {
    std::string out = head(0, static_cast<std::uint64_t>(n));
    for (int i = 0; i < n; ++i) out += text(std::to_string(i)) + raw(std::uint32_t{0}) + raw(std::uint8_t{1});
    costs_little("keys-" + std::to_string(n), out, n == 65'536 ? "ok" : "error", read_gguf);
  }
  const std::uint64_t strings = 10'000'000;
  costs_little("empty-strings",
               head(0, 1) + text("k") + raw(std::uint32_t{9}) + raw(std::uint32_t{8}) + raw(strings) +
                   std::string(static_cast<std::size_t>(strings) * 8, '\0'),
               "ok", [](const auto& path) {
                 std::uint64_t count = 0;
                 tfm::read_gguf(path).metadata.at("k").each_text([&](std::string_view) { ++count; });
                 CHECK(count == 10'000'000);
               });
}

TEST_CASE("a large GGUF file costs no memory to open, and dropped tensors give theirs back", "[cost]") {
  const tfm_test::TemporaryFolder folder;
  constexpr tfm::Index rows = 4096, cols = 4096;
  tfm::GgufWriter writer;
  const auto fill = [](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{1}); };
  for (const char* name : {"a", "b", "c"}) writer.add(name, tfm::DataType::f32, {rows, cols}, fill);
  writer.write(folder / "large.gguf");
  const tfm_test::PeakMemory memory;
  const auto file = tfm::read_gguf(folder / "large.gguf");
  unsigned sum = 0;
  for (const auto& tensor : file.tensors.tensors()) {
    for (const std::byte b : tensor.bytes) sum += static_cast<unsigned>(b);
    file.tensors.drop(tensor);
  }
  CHECK(sum == 3u * rows * cols * 4);
  if (!tfm_test::sanitized) CHECK(memory.grown() < 80 * tfm::MiB);  // one of the three, and not all
}
