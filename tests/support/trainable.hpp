#pragma once
// Layers whose float32 weights get numbers, values and gradients by their names; and their gradients against finite
// differences.
#include <map>
#include <string>

#include "support/catch.hpp"
#include "support/check_gradients.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "tfm/layers/gradients.hpp"
#include "tfm/layers/visit.hpp"

namespace tfm_test {

/// Numbers every float32 weight below `layer` in the order of visits and holds their gradients, zero at first.
class GradientsOf {
  std::map<std::string, tfm::Index> number_;
  std::vector<tfm::Buffer> buffers_;
  tfm::Gradients views_;

 public:
  template <class Layer>
  explicit GradientsOf(Layer& layer) {
    tfm::visit_weights(layer, "", [&](const std::string& name, auto& weight, tfm::WeightRole) {
      if constexpr (std::is_same_v<decltype(weight), tfm::F32&>) {
        weight.parameter = static_cast<tfm::Index>(buffers_.size());
        number_[name] = weight.parameter;
        buffers_.emplace_back(weight.rows(), weight.cols());
      }
    });
    for (tfm::Buffer& buffer : buffers_) views_.of.push_back(buffer);
  }
  operator const tfm::Gradients&() const noexcept { return views_; }
  tfm::MutableView operator[](const std::string& name) const { return views_.of[tfm::to_size(number_.at(name))]; }
  const std::map<std::string, tfm::Index>& names() const noexcept { return number_; }
  std::uint64_t hash() const {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (const tfm::MutableView view : views_.of) h = tfm_test::hash(view, h);
    return h;
  }
};

/// Every float32 weight uniform in -scale .. scale; norms around 1.
template <class Layer>
void randomise(Layer& layer, std::uint64_t seed, float scale = 0.5f) {
  tfm::visit_weights(layer, "", [&](const std::string&, auto& weight, tfm::WeightRole role) {
    if constexpr (std::is_same_v<decltype(weight), tfm::F32&>) {
      tfm::copy(random_matrix(seed++, weight.rows(), weight.cols(), scale), weight.values());
      if (role == tfm::WeightRole::norm)
        for (tfm::Index i = 0; i < weight.values().size(); ++i) weight.values().data[i] += 1;
    }
  });
}

/// Reads every float32 weight below `layer` from "prefix" + its name; all of the golden's shapes.
template <class Layer>
void read_weights(Layer& layer, const Golden& golden, const std::string& prefix) {
  tfm::visit_weights(layer, "", [&](const std::string& name, auto& weight, tfm::WeightRole) {
    const std::vector<float> values = golden.floats(prefix + name);
    INFO(prefix << name);
    REQUIRE(static_cast<tfm::Index>(values.size()) == weight.rows() * weight.cols());
    tfm::copy({values.data(), weight.rows(), weight.cols()}, weight.values());
  });
}

/// Whether all of `found` are within `tolerance` of the golden tensor `name`.
inline void require_golden(tfm::View found, const Golden& golden, const std::string& name, double tolerance) {
  const std::vector<float> expected = golden.floats(name);
  INFO(name);
  REQUIRE(static_cast<tfm::Index>(expected.size()) == found.size());
  double worst = 0;
  for (tfm::Index i = 0; i < found.size(); ++i)
    worst =
        std::max(worst, std::abs(static_cast<double>(found.data[i]) - static_cast<double>(expected[tfm::to_size(i)])));
  REQUIRE(worst <= tolerance);
}

/// A loss of some hundred outputs near 1, each wrong by a few 2^-24 at random, is wrong by about 20 x 2 x 2^-24;
/// differences of fourth order multiply that by 1.5 / step = 48: 1e-4, of gradients near 1.
inline constexpr double gradient_tolerance = 2e-4;

inline void require_right(const std::string& what, const GradientDifference& found) {
  INFO(what << "[" << found.at << "]: computed " << found.computed << ", by differences " << found.differences
            << "; relative difference " << found.relative());
  REQUIRE(found.size > 0.1);
  REQUIRE(found.relative() < gradient_tolerance);
}

/// The gradients of all float32 weights of `layer` against finite differences of loss().
template <class Layer, class Loss>
void require_right_weights(Layer& layer, const GradientsOf& gradients, Loss&& loss, float step = 0x1p-5f) {
  tfm::visit_weights(layer, "", [&](const std::string& name, auto& weight, tfm::WeightRole) {
    if constexpr (std::is_same_v<decltype(weight), tfm::F32&>)
      require_right(name, check_gradient(weight.values(), gradients[name], loss, step));
  });
}

}  // namespace tfm_test
