// The corpus of hostile files against the readers of this room: each ends as the manifest says.
#include "support/hostile.hpp"

#include <set>

#include "tfm/formats/gguf.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/safetensors.hpp"
#include "tfm/formats/torch_zip.hpp"

namespace {

using tfm_test::hold_to_promise;
using tfm_test::HostileCorpus;

volatile unsigned sink;  // what is read must really be read

void touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  sink = sink + sum;
}

void touch(const tfm::TensorStore& store) {
  tfm::Index lost = 0;
  for (const auto& tensor : store.tensors()) {
    touch(tensor.bytes);
    if (store.find(tensor.name) != &tensor || store.file_of(tensor).empty()) ++lost;
  }
  CHECK(lost == 0);
}

/// What a user of the metadata may do: every getter of every value, whether it fits or not.
void touch(const tfm::GgufMetadata& metadata) {
  for (tfm::Index i = 0; i < metadata.size(); ++i) {
    const tfm::GgufValue value = metadata[i];
    const auto attempt = [](auto&& get) {
      try {
        get();
      } catch (const tfm::LoadError& e) {
        touch(tfm::bytes_of(std::string_view(e.what())));
      }
    };
    sink = sink + static_cast<unsigned>(value.found().size());
    attempt([&] { touch(tfm::bytes_of(value.text())); });
    attempt([&] { value.each_text([](std::string_view text) { touch(tfm::bytes_of(text)); }); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.integer(0, 1000)); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.number() > 0); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.boolean()); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.integers(0, 6).size()); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.numbers().size()); });
    attempt([&] { sink = sink + static_cast<unsigned>(value.booleans().size()); });
    attempt([&] { touch(value.bytes()); });
  }
}

/// The file's bytes in memory of exactly their size, where a sanitizer sees a step beyond the end, as it does not in a
/// mapping.
std::vector<std::byte> load(const std::filesystem::path& path) {
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

void walk(tfm::Json value) {
  sink = sink + static_cast<unsigned>(value.found().size());
  if (value.is(tfm::JsonKind::array)) {
    for (const tfm::Json item : value.elements()) walk(item);
  } else if (value.is(tfm::JsonKind::object)) {
    for (const tfm::Json item : value.members()) walk(item);
  }
}

void read_object(const std::filesystem::path& path) {
  const auto document = tfm::read_json(path);
  document.root().members();
  walk(document.root());
}

template <class Read>
void every_case(int seed, const char* group, const std::string& format, Read read) {
  const auto corpus = HostileCorpus::make(seed, {group});
  if (!corpus) return;
  int seen = 0;
  for (const auto& hostile : corpus->cases()) {
    if (hostile.format != format) continue;
    ++seen;
    hold_to_promise(hostile, {"parse"}, read);
  }
  CHECK(seen > 30);
}

}  // namespace

TEST_CASE("hostile GGUF files end as promised", "[hostile]") {
  for (const int seed : {0, 1})
    every_case(seed, "gguf", "gguf", [](const auto& path) {
      const tfm::Gguf file = tfm::read_gguf(path);
      touch(file.metadata);
      touch(file.tensors);
    });
}

TEST_CASE("hostile bytes in memory end as promised", "[hostile]") {
  for (const int seed : {0, 1}) {
    every_case(seed, "gguf", "gguf", [](const auto& path) {
      const auto bytes = load(path);
      const tfm::Gguf file = tfm::read_gguf(bytes, path.string());
      touch(file.metadata);
      touch(file.tensors);
    });
    every_case(seed, "safetensors", "safetensors", [](const auto& path) {
      const auto bytes = load(path);
      touch(tfm::read_safetensors(bytes, path.string()));
    });
  }
}

TEST_CASE("hostile GGUF files, read for their metadata alone", "[hostile]") {
  const auto corpus = HostileCorpus::make(0, {"gguf"});
  if (!corpus) return;
  for (const auto& hostile : corpus->cases())
    hold_to_promise(hostile, {}, [](const auto& path) { touch(tfm::read_gguf_metadata(path)); });
}

TEST_CASE("hostile safetensors files end as promised", "[hostile]") {
  for (const int seed : {0, 1})
    every_case(seed, "safetensors", "safetensors", [](const auto& path) { touch(tfm::read_safetensors(path)); });
}

TEST_CASE("hostile folders of safetensors shards end as promised", "[hostile]") {
  for (const int seed : {0, 1})
    every_case(seed, "safetensors", "safetensors-sharded", [](const auto& path) {
      read_object(path / "config.json");
      touch(tfm::read_safetensors_folder(path));
    });
}

TEST_CASE("hostile configurations end as promised", "[hostile]") {
  for (const int seed : {0, 1})
    every_case(seed, "json", "config", [](const auto& path) {
      read_object(path / "config.json");
      touch(tfm::read_safetensors_folder(path));
    });
}

TEST_CASE("hostile JSON of tokenizers, adapters and records never does worse than an error", "[hostile]") {
  for (const int seed : {0, 1}) {
    const auto corpus = HostileCorpus::make(seed, {"json", "data"});
    if (!corpus) return;
    for (const auto& hostile : corpus->cases()) {
      // What is wrong with the text itself is the JSON reader's to notice; what the text says is not.
      const bool text = hostile.name.find("/text-") != std::string::npos;
      const std::set<std::string> stages = text ? std::set<std::string>{"parse"} : std::set<std::string>{};
      if (hostile.format == "tokenizer.json") hold_to_promise(hostile, stages, read_object);
      if (hostile.format == "adapter")
        hold_to_promise(hostile, stages, [](const auto& path) { read_object(path / "adapter_config.json"); });
      if (hostile.format == "alpaca" && hostile.name != "alpaca/lines.json")
        hold_to_promise(hostile, stages, [](const auto& path) { tfm::read_json(path).root().elements(); });
    }
  }
}

TEST_CASE("hostile files of PyTorch end as promised, mapped and in memory", "[hostile]") {
  for (const int seed : {0, 1}) {
    every_case(seed, "torch", "torch", [](const auto& path) { touch(tfm::read_torch(path)); });
    every_case(seed, "torch", "torch", [](const auto& path) {
      const auto bytes = load(path);
      touch(tfm::read_torch_from(tfm::TensorSource::borrowed(bytes, path.string())));
    });
  }
  CHECK(!std::filesystem::exists("PWNED"));  // what the pickles would make if they were run
}
