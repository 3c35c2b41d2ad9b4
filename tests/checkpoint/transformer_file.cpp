#include "tfm/checkpoint/transformer_file.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/train/initialise.hpp"

namespace {

using tfm::DynamicTransformerShape, tfm::LoadError, tfm::ShapeError, tfm::TrainableTransformer;

constexpr DynamicTransformerShape shape{.source_vocab = 20, .target_vocab = 30, .dim = 8, .layers = 2, .heads = 2, .ffn = 12,
                                        .context = 40, .dropout = 0.1f};

TrainableTransformer random_model(const DynamicTransformerShape& sizes = shape) {
  TrainableTransformer model(sizes);
  tfm::initialise(tfm::Parameters(model), tfm::XavierUniform{}, 5);
  return model;
}

std::string contents(const std::filesystem::path& file) {
  return std::string(tfm::text_of(tfm::MappedFile::open(file)->bytes()));
}
void replace(const std::filesystem::path& file, const std::string& what, const std::string& with) {
  std::string text = contents(file);
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  tfm::write_file(file, tfm::bytes_of(text.replace(at, what.size(), with)));
}

TEST_CASE("a Transformer is saved and comes back with the same bits", "[transformer_file]") {
  const tfm_test::TemporaryFolder folder;
  DynamicTransformerShape with_bias = shape;
  with_bias.attention_bias = true;
  for (const auto& sizes : {shape, with_bias}) {
    TrainableTransformer model = random_model(sizes);
    tfm::save_transformer(folder.path(), model);
    TrainableTransformer back = tfm::load_transformer(folder.path());
    CHECK(back.shape.dropout == sizes.dropout);
    CHECK(back.shape.norm_eps == sizes.norm_eps);
    CHECK(back.shape.context == 40);
    CHECK(back.shape.attention_bias == sizes.attention_bias);
    const tfm::Parameters expected(model), found(back);
    REQUIRE(found.count() == expected.count());
    for (tfm::Index i = 0; i < found.count(); ++i) {
      const tfm::View a = found[i].weight->view(), b = expected[i].weight->view();
      CHECK(std::equal(a.data, a.data + a.size(), b.data, b.data + b.size()));
    }
  }
}

TEST_CASE("a folder whose parts do not fit together is refused by name", "[transformer_file]") {
  const tfm_test::TemporaryFolder folder;
  TrainableTransformer model = random_model();
  const auto fresh = [&] { tfm::save_transformer(folder.path(), model); };
  const auto load = [&] { tfm::load_transformer(folder.path()); };
  const auto config = folder / "config.json";
  const std::string name = "tfm: " + config.string() + ": ";

  CHECK(tfm_test::error_of<LoadError>(load) == "tfm: cannot open " + config.string() + ": No such file or directory");
  fresh();
  replace(config, "\"ffn\": 12", "\"ffn\": 10");
  const auto other_ffn = tfm_test::error_of<LoadError>(load);
  CHECK(other_ffn.find("ffn.dense1.weight") != std::string::npos);
  CHECK(other_ffn.find("found F32 [12, 8], expected F32 [10, 8]") != std::string::npos);
  fresh();
  replace(config, "\"heads\": 2", "\"heads\": 3");
  CHECK(tfm_test::error_of<LoadError>(load) == name + "the JSON's root: dim must be a multiple of heads");
  fresh();
  replace(config, "\"layers\": 2", "\"layers\": 1");
  CHECK(tfm_test::error_of<LoadError>(load).find("blks.1.") != std::string::npos);
  fresh();
  replace(config, "encoder-decoder", "llama");
  CHECK(tfm_test::error_of<LoadError>(load) == name + "'type': found the string 'llama', expected 'encoder-decoder'");
  fresh();
  replace(config, "\"dim\": 8", "\"dam\": 8");
  CHECK(tfm_test::error_of<LoadError>(load) == name + "the JSON's root: 'dim' is missing");
}

TEST_CASE("a few digits do not claim all memory", "[transformer_file]") {
  const tfm_test::TemporaryFolder folder;
  TrainableTransformer model = random_model();
  for (const auto& [was, claims] : std::vector<std::pair<std::string, std::string>>{
           {"\"source_vocab\": 20", "\"source_vocab\": 16777216"}, {"\"ffn\": 12", "\"ffn\": 16777216"},
           {"\"layers\": 2", "\"layers\": 65536"}, {"\"context\": 40", "\"context\": 16777216"}}) {
    tfm::save_transformer(folder.path(), model);
    replace(folder / "config.json", was, claims);
    INFO(claims);
    CHECK(tfm_test::error_of<ShapeError>([&] { tfm::load_transformer(folder.path()); }).find("too few for the shape in config.json") !=
          std::string::npos);
  }
}

}  // namespace
