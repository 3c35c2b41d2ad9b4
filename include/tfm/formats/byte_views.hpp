#pragma once
// Text seen as bytes, and bytes seen as text.
#include <cstddef>
#include <span>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace tfm::inline TFM_ABI
