// What pack.hpp declares.
#include <atomic>
#include <vector>

#include "tfm/numeric/pack_panel.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE PackedWeight pack(Context& context, Format target, const FileRows& source, const std::string& what,
                             std::shared_ptr<std::byte> place) {
  for (const Format format : {target, source.format})
    if (source.cols % block_size(format) != 0)
      raise<ShapeError>({"tfm: ", what, ": ", name(format), " stores blocks of ", block_size(format), " columns, found ", source.cols,
                         " columns"});
  const Index panel_size = panel_bytes(target, source.cols), row_size = row_bytes(target, source.cols);
  if (!place) {
    const auto bytes = std::make_shared<AlignedBytes>(packed_bytes(target, source.rows, source.cols));
    place = std::shared_ptr<std::byte>(bytes, bytes->data());
  }
  const Panels panels{place.get(), source.rows, source.cols, target};
  std::atomic<bool> finite{true};
  context.run(panels.count(), [&](Index p, int) {
    const Index first = p * panel_rows, count = std::min(panel_rows, source.rows - first);
    const std::byte* rows[panel_rows];
    float scales[panel_rows];
    std::vector<std::byte> packed;
    if (source.format == target) {
      for (Index r = 0; r < count; ++r) {
        rows[r] = source.row(first + r), scales[r] = source.scale(first + r);
        // Read on end first: the CPU does not foresee sixteen short streams, and a prefetch does not map a page of the file.
        for (Index i = 0; i < row_size; i += 64) static_cast<void>(*const_cast<const volatile std::byte*>(rows[r] + i));
      }
    } else {
      std::vector<float> floats(to_size(source.cols));
      packed.resize(to_size(count * row_size));
      for (Index r = 0; r < count; ++r) {
        dequantise_row(source.format, source.row(first + r), source.cols, source.scale(first + r), floats.data());
        if (is_quantised(target) && !(detail::absmax(floats.data(), source.cols) <= 3.4e38f)) finite = false;
        else scales[r] = quantise_row(target, floats.data(), source.cols, packed.data() + r * row_size);
        rows[r] = packed.data() + r * row_size;
      }
      if (!finite) return;
    }
    pack_panel(target, rows, count, source.cols, scales, place.get() + p * panel_size);
  });
  if (context.stop.stop_requested()) raise(Stopped(std::move(place)));
  if (!finite)
    raise<LoadError>({"tfm: ", what, ": a value is not finite and cannot be quantised to ", name(target)});
  return {panels, std::move(place)};
}

}  // namespace tfm::inline TFM_ABI
