// GGUF files that are odd in their container: each is accepted with PyTorch's logits, or refused, as its verdict says.
#include <algorithm>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
#include "support/run_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
namespace fs = std::filesystem;

namespace {

constexpr float traits_tolerance = 4 * 1.3e-5f;  // golden/README.md, "How close is close"

/// Opens `path` and holds it to the verdict.
void require_verdict(const fs::path& path, std::string_view verdict, std::string_view logits,
                     const tfm_test::Golden& golden) {
  INFO(path.string());
  std::string error;
  try {
    const auto loaded = load_llama(path);
    CHECK(verdict != "error");
    if (verdict == "error") return;
    Context context = tfm_test::exact();
    CHECK(tfm_test::largest(tfm_test::all_logits(loaded.model, context, golden.int32s("ids"), 1),
                            golden.floats(logits)) <= traits_tolerance);
  } catch (const Error& refused) {
    error = refused.what();
    INFO(error);
    CHECK(verdict != "ok");
    CHECK(error.find(path.filename().string()) != std::string::npos);
  }
  if (verdict == "error" && path.stem() == "version-1") CHECK(error.find("version 1") != std::string::npos);
  if (verdict == "error" && path.stem() == "big-endian") CHECK(error.find("big-endian") != std::string::npos);
}

}  // namespace

TEST_CASE("GGUF traits: odd containers give PyTorch's logits or are refused, models in several files by each of them") {
  const auto folder = tfm_test::require(tfm_test::golden() / "gguf_traits");
  if (!folder) return;
  const tfm_test::Golden golden(*folder / "traits.safetensors");
  const auto manifest = read_json(*folder / "manifest.json");
  Index files = 0;
  for (const Json entry : manifest.root().elements()) {
    const fs::path path = *folder / std::string(entry.at("file").text());
    const std::string_view verdict = entry.at("verdict").text();
    const auto logits = entry.find_value("logits");
    std::vector<fs::path> opened{path};
    if (fs::is_directory(path)) opened.assign(fs::directory_iterator(path), {});
    for (const fs::path& each : opened) require_verdict(each, verdict, logits ? logits->text() : "", golden), ++files;
  }
  CHECK(files == 41);
}
