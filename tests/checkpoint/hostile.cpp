// Hostile checkpoints through all of loading and a short use: each ends as the manifest says.
#include "support/hostile.hpp"

#include <set>

#include "support/catch.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/formats/torch_zip.hpp"

using namespace tfm;
using tfm_test::HostileCase;
using tfm_test::HostileCorpus;
namespace fs = std::filesystem;

namespace {

/// What somebody does with a model first: a text in, some tokens through it, text out.
void use(const Loaded<AnyLlama>& loaded, const Adapter* adapter = nullptr) {
  const AnyLlama& model = loaded.model;
  tfm_test::Ids ids{0, static_cast<std::int32_t>(model.shape.vocab - 1)};
  if (loaded.tokenizer) {
    for (const Token id :
         loaded.tokenizer.encode({UserText{"ab a </s> \xF0\x9F\xA6\x99 \xff"}, TemplateText{"<s>b</s>"}}))
      ids.push_back(id);
    loaded.tokenizer.decode(ids);
  }
  if (loaded.chat_template) {
    const Message message{Role::user, "ab"};
    const Rendering prompt = loaded.chat_template->prompt(std::span(&message, 1));
    if (loaded.tokenizer) loaded.tokenizer.encode(prompt.segments());
  }
  ids.resize(std::min<std::size_t>(ids.size(), 12));
  for (const Arithmetic arithmetic : {Arithmetic::fast, Arithmetic::exact}) {
    Context context(1);
    context.arithmetic = arithmetic;
    KvCache cache = model.make_cache(1, 16);
    Buffer logits(1, model.shape.vocab);
    const Adapter* const adapters[] = {adapter};
    const Index start[] = {0, static_cast<Index>(ids.size())}, one[] = {0, 1}, at[] = {static_cast<Index>(ids.size())};
    model.forward(context, {.start = start, .adapter = adapters}, ids, cache, Logits::last, logits);
    model.forward(context, {.start = one, .position = at}, tfm_test::Ids{tfm_test::argmax(logits)}, cache,
                  Logits::last, logits);
  }
}

/// The corpus with what its files lack put beside them, in a folder of its own for each case.
class Completed {
  HostileCorpus corpus_;
  tfm_test::TemporaryFolder folder_;

  void link(const fs::path& from, const fs::path& to) const {
    if (fs::exists(from)) fs::create_symlink(from, to);
  }

 public:
  explicit Completed(HostileCorpus corpus) : corpus_(std::move(corpus)) {}
  const std::vector<HostileCase>& cases() const { return corpus_.cases(); }

  /// The case as something to load.
  HostileCase complete(HostileCase hostile) const {
    if (hostile.format == "gguf" || hostile.format == "gguf-split") return hostile;
    const fs::path base = corpus_.path() / "config/base", tokenizer = corpus_.path() / "sentencepiece/base.model";
    const fs::path folder = folder_ / hostile.name;
    fs::create_directories(folder);
    if (hostile.format == "safetensors" || hostile.format == "sentencepiece" || hostile.format == "torch") {
      const bool tensors = hostile.format != "sentencepiece";
      link(base / "config.json", folder / "config.json");
      link(tensors ? hostile.path : base / "model.safetensors",
           folder / (hostile.format == "torch" ? "pytorch_model.bin" : "model.safetensors"));
      link(tensors ? tokenizer : hostile.path, folder / "tokenizer.model");
    } else {
      for (const auto& file : fs::directory_iterator(hostile.path)) link(file.path(), folder / file.path().filename());
      link(tokenizer, folder / "tokenizer.model");
    }
    hostile.path = folder;
    return hostile;
  }
};

/// What is opened of a case: of a model in several files the first.
fs::path opened(const HostileCase& hostile, const fs::path& path) {
  if (hostile.format != "gguf-split") return path;
  const std::set<fs::path> files(fs::directory_iterator(path), {});
  return *files.begin();
}

void every_case(int seed, const std::set<std::string>& formats, int at_least) {
  auto corpus = HostileCorpus::make(seed, {"gguf", "safetensors", "json", "sentencepiece", "torch", "quant"});
  if (!corpus) return;
  const Completed completed(std::move(*corpus));
  int seen = 0;
  for (const HostileCase& hostile : completed.cases()) {
    if (!formats.contains(hostile.format)) continue;
    ++seen;
    tfm_test::hold_to_promise(completed.complete(hostile), {"parse", "model", "use"},
                              [&](const fs::path& path) { use(load_llama(opened(hostile, path), {.read_bin = read_torch})); });
  }
  CHECK(seen > at_least);
}

}  // namespace

TEST_CASE("hostile GGUF files through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"gguf"}, 800);
}
TEST_CASE("hostile models in several GGUF files through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"gguf-split"}, 160);
}
TEST_CASE("hostile safetensors through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"safetensors", "safetensors-sharded"}, 250);
}
TEST_CASE("hostile configurations through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"config"}, 180);
}
TEST_CASE("hostile tokenizers through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"sentencepiece"}, 150);
}
TEST_CASE("hostile files of PyTorch through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) every_case(seed, {"torch"}, 300);
  CHECK(!fs::exists("PWNED"));  // what the pickles would make if they were run
}
TEST_CASE("hostile adapters through loading and use end as promised", "[hostile]") {
  for (const int seed : {0, 1}) {
    const auto corpus = HostileCorpus::make(seed, {"json"});
    if (!corpus) return;
    const auto base = load_llama(corpus->path() / "config/base");
    int seen = 0;
    for (const HostileCase& hostile : corpus->cases()) {
      if (hostile.format != "adapter") continue;
      ++seen;
      tfm_test::hold_to_promise(hostile, {"parse", "model", "use"}, [&](const fs::path& path) {
        const auto loaded = peft::load(path, base.model, {.read_bin = read_torch});
        use(base, &loaded.adapter);
      });
    }
    CHECK(seen > 80);
  }
  CHECK(!fs::exists("PWNED"));
}
