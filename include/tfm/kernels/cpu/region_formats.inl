// What a region knows of each format: FormatLanes, specialised in kernels/cpu/formats/NAME.inl. Included once for each region, after the
// tiles that they are made of.
//
//   expand(panel, cols, from, to, out)    out[k - from][16] = the panel's sixteen weights for k in from .. to, the very floats that
//                                         value_at() gives; from is a multiple of 4
//   Floats, many_tokens                   of formats of floats: what float_tile reads panels by, for one token or for many
//   pairs_of_bf16                         panels are [k / 2][16][2 k] bfloat16
//   Tiles                                 of formats with int8 products: what quantised_panels runs
template <Format Own>
struct FormatLanes;
template <Format Own>
inline constexpr bool pairs_of_bf16 = requires { FormatLanes<Own>::pairs_of_bf16; };

#define TFM_FORMAT_FILE(name) TFM_FORMAT_PATH(tfm/kernels/cpu/formats/name.inl)
#include "tfm/numeric/format_list.inl"
#undef TFM_FORMAT_FILE
