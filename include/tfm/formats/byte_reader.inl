// What byte_reader.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE std::span<const std::byte> ByteReader::bytes(std::uint64_t n, std::string_view what) {
  if (n > left())
    refuse({"cut short or damaged: ", what, " at byte ", at_, " should have ", n, " bytes, and ", left(), " are left"});
  const auto found = bytes_.subspan(at_, static_cast<std::size_t>(n));
  at_ += found.size();
  return found;
}

}  // namespace tfm::inline TFM_ABI
