#include "tfm/numeric/pack.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"
#include "tfm/numeric/f32.hpp"
#include "tfm/numeric/weight.hpp"

using namespace tfm;
using tfm_test::random_matrix;

static_assert(Weight<F32> && Weight<FrozenF32> && Weight<BF16> && Weight<F16> && Weight<Q8_0> && Weight<Q4_0> && Weight<Q4_1> && Weight<Int8> && Weight<AnyWeight>);

namespace {

const std::byte* bytes_of(View v) { return reinterpret_cast<const std::byte*>(v.data); }

}  // namespace

TEST_CASE("pack, row, column and unpack agree with the file's rows") {
  Context context(2);
  for (const Format format : tfm_test::formats())
    for (const Index rows : {1, 16, 37})
      for (const Index cols : block_size(format) > 1 ? std::vector<Index>{block_size(format), 3 * block_size(format)} : std::vector<Index>{1, 7, 32, 97}) {
        INFO(name(format) << " " << rows << "x" << cols);
        // the file's rows, quantised here
        const Buffer values = random_matrix(1, rows, cols);
        const Index size = row_bytes(format, cols);
        std::vector<std::byte> file(to_size(rows * size));
        std::vector<float> scales(to_size(rows)), expected(to_size(rows * cols));
        for (Index r = 0; r < rows; ++r) {
          scales[to_size(r)] = quantise_row(format, values.view().row(r), cols, file.data() + r * size);
          dequantise_row(format, file.data() + r * size, cols, scales[to_size(r)], expected.data() + r * cols);
        }
        const PackedWeight w = pack(context, format, {format, file.data(), rows, cols, scales.data()}, "w");
        REQUIRE(w.bytes() == packed_bytes(format, rows, cols));

        std::vector<float> out(to_size(std::max(rows, cols)));
        for (Index r = 0; r < rows; ++r) {
          row(w, r, out.data());
          for (Index k = 0; k < cols; ++k) REQUIRE(out[to_size(k)] == expected[to_size(r * cols + k)]);
        }
        for (Index k = 0; k < cols; ++k) {
          column(w, k, out.data());
          for (Index r = 0; r < rows; ++r) REQUIRE(out[to_size(r)] == expected[to_size(r * cols + k)]);
        }
        std::vector<std::byte> back(file.size());
        std::vector<float> back_scales(scales.size());
        unpack(w, back.data(), back_scales.data());
        REQUIRE(back == file);
        if (has_row_scales(format)) REQUIRE(back_scales == scales);
        // what is no value is 0, whatever was there before
        const auto used = std::make_shared<AlignedBytes>(w.bytes());
        std::memset(used->data(), 0xff, to_size(w.bytes()));
        const PackedWeight again = pack(context, format, {format, file.data(), rows, cols, scales.data()}, "w", std::shared_ptr<std::byte>(used, used->data()));
        REQUIRE(std::memcmp(again.panels().data, w.panels().data, to_size(w.bytes())) == 0);
        // through float32, quantising while packing, comes to the same
        const PackedWeight direct = pack(context, format, {Format::f32, bytes_of(values), rows, cols}, "w");
        REQUIRE(std::memcmp(direct.panels().data, w.panels().data, to_size(w.bytes())) == 0);
      }
}

TEST_CASE("values too small to have a reciprocal are quantised to what is near them") {
  Context context(1);
  for (const Format format : tfm_test::formats(is_quantised))
    for (const float tiny : {1e-45f, 1e-40f, 1.1e-38f, 1e-36f, 1e-30f}) {
      INFO(name(format) << " " << tiny);
      const Index cols = std::max<Index>(64, block_size(format));
      Buffer values(3, cols);
      for (Index k = 0; k < cols; ++k) values.view().row(1)[k] = (k % 3 == 0 ? -tiny : tiny) * static_cast<float>(k % 64) / 64;
      const PackedWeight w = pack(context, format, {Format::f32, bytes_of(values), 3, cols}, "w");
      std::vector<float> out(to_size(cols));
      for (Index r = 0; r < 3; ++r) {
        row(w, r, out.data());
        for (Index k = 0; k < cols; ++k) REQUIRE(std::abs(out[to_size(k)] - values.view().row(r)[k]) <= 2 * tiny);
      }
    }
}

TEST_CASE("what a format cannot hold is refused by name") {
  Context context(1);
  const Buffer x = random_matrix(1, 3, 33);
  for (const Format format : tfm_test::formats([](Format f) { return block_size(f) > 1; }))
    REQUIRE_THROWS_WITH(pack(context, format, {Format::f32, bytes_of(x), 3, 33}, "model.layers.0.mlp.up_proj.weight"),
                        "tfm: model.layers.0.mlp.up_proj.weight: " + std::string(name(format)) + " stores blocks of " + std::to_string(block_size(format)) + " columns, found 33 columns");
  Buffer bad = random_matrix(1, 3, 256);
  for (const float what : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    bad.view().data[300] = what;
    for (const Format format : tfm_test::formats(is_quantised))
      REQUIRE_THROWS_AS(pack(context, format, {Format::f32, bytes_of(bad), 3, 256}, "w"), LoadError);
  }
  REQUIRE_THROWS_WITH(Q8_0(pack(context, Format::f16, {Format::f32, bytes_of(x), 3, 33}, "w")), "tfm: the weight is F16, expected Q8_0");
}

TEST_CASE("rows with interleaved rotary pairs become halves") {
  Context context(1);
  const Buffer x = random_matrix(1, 16, 4);  // two heads of 8
  const PackedWeight w = pack(context, Format::f32, {Format::f32, bytes_of(x), 16, 4, nullptr, 2}, "q");
  float out[4];
  const Index source[] = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
  for (Index r = 0; r < 16; ++r) {
    row(w, r, out);
    REQUIRE(out[0] == x.view().row(source[r])[0]);
  }
}

TEST_CASE("16-bit floats: every value there and back, and rounding to nearest even") {
  for (unsigned u = 0; u < 65536; ++u) {
    const auto h = static_cast<std::uint16_t>(u);
    if ((u & 0x7c00u) != 0x7c00u || (u & 0x3ffu) == 0) REQUIRE(f16_from_f32(f32_from_f16(h)) == h);
    if ((u & 0x7f80u) != 0x7f80u || (u & 0x7fu) == 0) REQUIRE(bf16_from_f32(f32_from_bf16(h)) == h);
  }
  REQUIRE(f16_from_f32(1.f + 0x1p-11f) == 0x3c00);                // a tie: to even
  REQUIRE(f16_from_f32(1.f + 0x1p-11f + 0x1p-20f) == 0x3c01);
  REQUIRE(f16_from_f32(65520.f) == 0x7c00);
  REQUIRE(f16_from_f32(65519.f) == 0x7bff);
  REQUIRE(f16_from_f32(0x1p-25f) == 0);
  REQUIRE(f16_from_f32(0x1.8p-25f) == 1);
  REQUIRE(bf16_from_f32(1.f + 0x1p-8f) == 0x3f80);
  REQUIRE(bf16_from_f32(1.f + 0x1.8p-8f) == 0x3f81);
}
