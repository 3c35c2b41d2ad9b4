// What sha256.hpp declares.
#include <algorithm>
#include <cstring>

namespace tfm::inline TFM_ABI {

TFM_INLINE void Sha256::take_block() noexcept {
  std::array<std::uint32_t, 64> w;
  for (std::size_t i = 0; i < 16; ++i) {
    std::uint32_t word;
    std::memcpy(&word, block_.data() + 4 * i, 4);
    w[i] = __builtin_bswap32(word);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t one = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) +
                              constants[i] + w[i];
    const std::uint32_t two = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
  }
  const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += added[i];
  filled_ = 0;
}

TFM_INLINE Sha256& Sha256::add(std::span<const std::byte> bytes) noexcept {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), block_.size() - filled_);
    std::memcpy(block_.data() + filled_, bytes.data(), n);
    filled_ += n;
    bytes = bytes.subspan(n);
    if (filled_ == block_.size()) take_block();
  }
  return *this;
}

TFM_INLINE std::string Sha256::digits() const {
  Sha256 last = *this;
  const std::uint64_t bits = __builtin_bswap64(bytes_ * 8);
  last.add(std::string_view("\x80", 1));
  while (last.filled_ != 56) last.add(std::string_view("\0", 1));
  last.add(std::as_bytes(std::span(&bits, 1)));
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (const std::uint32_t word : last.state_)
    for (int shift = 28; shift >= 0; shift -= 4) out += hex[word >> shift & 15];
  return out;
}

}  // namespace tfm::inline TFM_ABI
