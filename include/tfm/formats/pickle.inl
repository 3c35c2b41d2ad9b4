// What pickle.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string_view Pickle::text(PickleValue value) const noexcept {
  return text_of(bytes).substr(static_cast<std::size_t>(value.bits >> 32),
                               static_cast<std::size_t>(value.bits & 0xffffffffu));
}

TFM_INLINE std::optional<PickleValue> Pickle::find(PickleValue dict, std::string_view key) const {
  std::optional<PickleValue> found;
  const auto& all = items(dict);
  for (std::size_t i = 0; i + 1 < all.size(); i += 2)
    if (all[i].is(PickleKind::text) && text(all[i]) == key) found = all[i + 1];
  return found;
}

}  // namespace tfm::inline TFM_ABI
