// Formats of GGUF files: every value of golden blocks, from the file and from panels, and how near quantising comes.
#include <cmath>
#include <cstring>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/formats.hpp"
#include "support/golden.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;

namespace {

bool in_blocks_of_files(Format format) { return gguf_number(format) >= 0 && block_size(format) > 1; }

// The rows of quant_errors.json, by its recipe.
class Uniform {
  std::uint64_t state_;

 public:
  explicit Uniform(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53;
  }
  double gaussian() {
    double g = -6;
    for (int i = 0; i < 12; ++i) g += (*this)();
    return g;
  }
};
std::vector<float> recorded_rows(bool heavy, std::uint64_t seed) {
  Uniform uniform(1000003 * seed + (heavy ? 1 : 0));
  std::vector<float> rows(64 * 1024);
  for (float& x : rows) {
    double g = uniform.gaussian();
    for (int i = 0; heavy && i < 2; ++i) g *= uniform.gaussian();
    x = static_cast<float>(0.05 * g);
  }
  return rows;
}

}  // namespace

TEST_CASE("golden blocks: every value from the file and from panels, and back to the very bytes") {
  const auto file = tfm_test::require(tfm_test::golden() / "quants.safetensors");
  if (!file) return;
  const tfm_test::Golden golden(*file);
  Context context(2);
  for (const Format format : tfm_test::formats(in_blocks_of_files)) {
    const std::string own(name(format));
    INFO(own);
    const Tensor& blocks = golden.store().at(own + ".bytes");
    const std::vector<float> values = golden.floats(own + ".values");
    const Index rows = blocks.shape[0], cols = golden.shape(own + ".values")[1], size = row_bytes(format, cols);
    REQUIRE(blocks.shape[1] == size);
    const PackedWeight w = pack(context, format, {format, blocks.bytes.data(), rows, cols}, "w");
    REQUIRE(static_cast<double>(panel_bytes(format, cols)) <= 1.04 * static_cast<double>(panel_rows * size));
    std::vector<float> found(to_size(cols));
    int differ = 0;
    for (Index r = 0; r < rows; ++r) {
      const float* const expected = values.data() + r * cols;
      dequantise_row(format, blocks.bytes.data() + r * size, cols, 1, found.data());
      differ += std::memcmp(found.data(), expected, to_size(cols) * sizeof(float)) != 0;
      row(w, r, found.data());
      differ += std::memcmp(found.data(), expected, to_size(cols) * sizeof(float)) != 0;
    }
    REQUIRE(differ == 0);
    std::vector<std::byte> back(blocks.bytes.size());
    unpack(w, back.data(), nullptr);
    REQUIRE(std::equal(back.begin(), back.end(), blocks.bytes.begin()));
  }
}

TEST_CASE("quantising is no further from the rows than ggml's") {
  const auto file = tfm_test::require(tfm_test::golden() / "quant_errors.json");
  if (!file) return;
  const JsonDocument document = read_json(*file);
  const Json root = document.root(), recorded = root.at("rms");
  for (const bool heavy : {false, true}) {
    const std::vector<float> rows = recorded_rows(heavy, static_cast<std::uint64_t>(root.at("seed").integer(0)));
    std::vector<float> found(1024);
    for (const Format format : tfm_test::formats(in_blocks_of_files)) {
      INFO(name(format) << (heavy ? " heavy" : " gaussian"));
      std::vector<std::byte> bytes(to_size(row_bytes(format, 1024)));
      double off = 0, all = 0;
      for (Index r = 0; r < 64; ++r) {
        const float* const own = rows.data() + 1024 * r;
        quantise_row(format, own, 1024, bytes.data());
        dequantise_row(format, bytes.data(), 1024, 1, found.data());
        for (std::size_t k = 0; k < 1024; ++k) {
          const double x = static_cast<double>(own[k]), d = static_cast<double>(found[k]) - x;
          off += d * d, all += x * x;
        }
      }
      CHECK(std::sqrt(off / all) <= recorded.at(name(format)).at(heavy ? "heavy" : "gaussian").number() + 1e-7);
    }
  }
}
