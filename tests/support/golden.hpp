#pragma once
// Golden: the tensors of a safetensors file as plain vectors, for tests to compare with.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tfm/formats/safetensors.hpp"
#include "tfm/numeric/half.hpp"

namespace tfm_test {

/// Values are converted to what the test asks for: floats from every float and integer type, integers from every
/// integer type, bool and u8. What cannot be had throws LoadError and so fails the test.
///   const tfm_test::Golden golden(*file);  const std::vector<float> y = golden.floats("plain.y");
class Golden {
  tfm::TensorStore store_;

  template <class T, class Convert>
  static auto each(const tfm::Tensor& tensor, Convert convert) {
    std::vector<decltype(convert(T{}))> out(tfm::to_size(tensor.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      T value;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof(T), sizeof(T));
      out[i] = convert(value);
    }
    return out;
  }

 public:
  explicit Golden(const std::filesystem::path& file) : store_(tfm::read_safetensors(file)) {}

  const tfm::TensorStore& store() const noexcept { return store_; }
  bool has(std::string_view name) const noexcept { return store_.find(name) != nullptr; }
  const std::vector<tfm::Index>& shape(std::string_view name) const { return store_.at(name).shape; }

  /// The tensor's values in their order, as T: float, double or an integer type.
  template <class T>
  std::vector<T> values(std::string_view name) const {
    using tfm::DataType;
    const tfm::Tensor& t = store_.at(name);
    const auto plain = [](auto value) { return static_cast<T>(value); };
    switch (t.type) {
      case DataType::i64: return each<std::int64_t>(t, plain);
      case DataType::i32: return each<std::int32_t>(t, plain);
      case DataType::i16: return each<std::int16_t>(t, plain);
      case DataType::i8: return each<std::int8_t>(t, plain);
      case DataType::u8:
      case DataType::boolean: return each<std::uint8_t>(t, plain);
      default: break;
    }
    if constexpr (std::is_floating_point_v<T>) {
      switch (t.type) {
        case DataType::f64: return each<double>(t, plain);
        case DataType::f32: return each<float>(t, plain);
        case DataType::f16:
          return each<std::uint16_t>(t, [](std::uint16_t bits) { return static_cast<T>(tfm::f32_from_f16(bits)); });
        case DataType::bf16:
          return each<std::uint16_t>(t, [](std::uint16_t bits) { return static_cast<T>(tfm::f32_from_bf16(bits)); });
        default: break;
      }
    }
    tfm::raise(tfm::LoadError("tfm: " + store_.file() + ": tensor " + tfm::in_quotes(name) + " is of type " +
                              t.type_name + ", which does not convert"));
  }
  std::vector<float> floats(std::string_view name) const { return values<float>(name); }
  std::vector<std::int32_t> int32s(std::string_view name) const { return values<std::int32_t>(name); }
  std::vector<std::int64_t> int64s(std::string_view name) const { return values<std::int64_t>(name); }
};

}  // namespace tfm_test
