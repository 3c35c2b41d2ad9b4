// What gguf_split.hpp declares.
#include <cstdio>
#include <system_error>

namespace tfm::inline TFM_ABI {
namespace detail {

TFM_INLINE GgufPart gguf_part(const GgufMetadata& metadata) {
  const auto count = metadata.find("split.count");
  if (!count) return {};
  const GgufPart part{0, count->integer(1, gguf_most_parts)};
  return part.count == 1 ? part : GgufPart{metadata.at("split.no").integer(0, part.count - 1), part.count};
}

TFM_INLINE std::string gguf_part_ending(GgufPart part) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05ld-of-%05ld.gguf", static_cast<long>(part.number + 1),
                static_cast<long>(part.count));
  return text;
}

TFM_INLINE std::filesystem::path gguf_part_path(const std::filesystem::path& path, const GgufMetadata& metadata,
                                                Index number) {
  const GgufPart part = gguf_part(metadata);
  std::string name = path.filename().string();
  const std::string ending = gguf_part_ending(part);
  if (!name.ends_with(ending))
    fail(metadata.file(), {"this is part ", part.number + 1, " of ", part.count,
                           " of a model (split.no, split.count), expected a name that ends with ", in_quotes(ending),
                           ", by which the other parts are found"});
  name.replace(name.size() - ending.size(), ending.size(), gguf_part_ending({number, part.count}));
  std::filesystem::path other = path.parent_path() / name;
  std::error_code absent;
  if (number != part.number && !std::filesystem::exists(other, absent))
    fail(metadata.file(), {"this is part ", part.number + 1, " of ", part.count, " of a model, and part ", number + 1,
                           ", ", in_quotes(name), ", does not lie beside it"});
  return other;
}

TFM_INLINE void require_part(const GgufMetadata& metadata, GgufPart expected) {
  const Index count = metadata.at("split.count").integer(), number = metadata.at("split.no").integer();
  if (count != expected.count || number != expected.number)
    fail(metadata.file(), {"split.no and split.count say ", number, " and ", count, ", expected ", expected.number,
                           " and ", expected.count, ", as its name does"});
}

}  // namespace detail
}  // namespace tfm::inline TFM_ABI
