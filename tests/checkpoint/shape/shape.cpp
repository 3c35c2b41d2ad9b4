// tfm-shape: the headers that it printed when this program was built are types of their files' shapes.
#include <cstdlib>
#include <fstream>

#include "printed/Stories.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#if __has_include("printed/Llama3Rope.hpp")
#include "printed/LinearRope.hpp"
#include "printed/Llama3Rope.hpp"
#endif

using namespace tfm;

namespace {

template <class S, class W>
void loads_the_same(const std::filesystem::path& path) {
  const auto fixed = load<Llama<S, EveryLinear<W>>>(path);
  const auto any = load_llama(path);
  Context context(1);
  context.arithmetic = Arithmetic::exact;
  const tfm_test::Ids ids{1, 17, 3, 255, 31, 300};
  CHECK(tfm_test::same_bits(tfm_test::all_logits(fixed.model, context, ids, 1),
                            tfm_test::all_logits(any.model, context, ids, 1)));
}

/// The program's exit code, its output in `out` and its complaints in `error`.
int run(const std::string& arguments, std::string& out, std::string& error) {
  const tfm_test::TemporaryFolder folder;
  const std::string files = " > '" + (folder / "out").string() + "' 2> '" + (folder / "error").string() + "'";
  const int status = std::system(("'" TFM_SHAPE_PROGRAM "' " + arguments + files).c_str());
  const auto read = [&](const char* name) {
    std::ifstream in(folder / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  out = read("out"), error = read("error");
  return WEXITSTATUS(status);
}

}  // namespace

static_assert(Stories::vocab == 512 && Stories::dim == 64 && Stories::layers == 5 && Stories::heads == 8 &&
              Stories::kv_heads == 4 && Stories::ffn == 172 && Stories::context == 512 && Stories::tied);
static_assert(Llama<Stories, EveryLinear<Int8>>::memory({.context = 256}).total() < 2 * MiB);

TEST_CASE("the printed shape of the model that is shipped loads it as a static type") {
  loads_the_same<Stories, FrozenF32>(tfm_test::source_folder() /
                                     "examples/stories260K/stories260K.F32.gguf");
}

#if __has_include("printed/Llama3Rope.hpp")
static_assert(head_dim(Llama3Rope()) == 32 && Llama3Rope::rope_theta == 500000.f && Llama3Rope::norm_eps == 1e-6f);
static_assert(Llama3Rope::rope_scaling.kind == RopeScaling::Kind::llama3 && Llama3Rope::rope_scaling.factor == 8);

TEST_CASE("printed shapes with scaled rotary frequencies load their folders") {
  const auto goldens = tfm_test::require(tfm_test::golden() / "llama");
  if (!goldens) return;
  loads_the_same<Llama3Rope, FrozenF32>(*goldens / "llama3_rope/safetensors");
  loads_the_same<LinearRope, BF16>(*goldens / "linear_rope/bf16");
}
#endif

TEST_CASE("tfm-shape names the type after the file, says how to load it, and complains in words") {
  std::string out, error;
  const std::string file =
      (tfm_test::source_folder() / "examples/stories260K/stories260K.F32.gguf").string();
  CHECK(run("'" + file + "'", out, error) == 0);
  CHECK(error.empty());
  CHECK(out.find("struct Stories260K : tfm::LlamaShape {") != out.npos);
  CHECK(out.find("//   auto llama = tfm::load<tfm::Llama<Stories260K, tfm::EveryLinear<tfm::FrozenF32>>>(\"" + file +
                 "\");\n") != out.npos);
  CHECK(run("", out, error) == 2);
  CHECK(error.starts_with("usage: tfm-shape FILE"));
  CHECK(run("nobody.gguf", out, error) == 1);
  CHECK(out.empty());
  CHECK(error == "tfm: cannot open nobody.gguf: No such file or directory\n");
  CHECK(run("'" + file + "' --name 3D", out, error) == 2);
  CHECK(error == "tfm-shape: found --name 3D, expected a name such as Model3D\n");
  CHECK(run("--help", out, error) == 0);
}
