// The probes of one instruction set, beside the lanes that they use. Included by each_region.inl.
namespace tfm::inline TFM_ABI::kernels::TFM_REGION::inline TFM_UNIT {
using limits::sink;

#if defined(TFM_REGION_BF16)
#include "limits_bf16_body.inl"
inline constexpr limits::Probes probes = [] {
  limits::Probes own = TFM_REGION_BASE::probes;
  own.dot_bf16 = dot_bf16;
  return own;
}();
#else
#include "limits_body.inl"
#if defined(TFM_REGION_BASE)
inline constexpr limits::Probes probes = [] {
  limits::Probes own = TFM_REGION_BASE::probes;
  own.dot_int8 = dot_int8;
  return own;
}();
#else
inline constexpr limits::Probes probes{multiply_add, dot_int8, nullptr, read_streams};
#endif
#endif

}
