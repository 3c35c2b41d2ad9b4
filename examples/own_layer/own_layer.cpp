// A layer of one's own, with tfm's layers and Eigen's language inside, and its gradients held against finite differences.
#include <tfm/eigen.hpp>
#include <tfm/layers/linear.hpp>
#include <tfm/train.hpp>

#include <iostream>

namespace mine {

/// The highway layer: y = t h + (1 - t) x with h = tanh(x Hᵀ) and the gate t = sigmoid(x Tᵀ); x, y [tokens, dim].
/// Srivastava et al. 2015, arXiv:1505.00387
struct Highway {
  tfm::Linear<tfm::F32> hidden, gate;

  explicit Highway(tfm::Index dim) : hidden{tfm::F32(dim, dim)}, gate{tfm::F32(dim, dim)} {}

  /// What backward needs: views of the caller's x and of context.kept.
  struct Saved {
    tfm::Linear<tfm::F32>::Saved hidden, gate;
    tfm::View x, h, t;
  };

  void forward(tfm::Context& context, const tfm::Batch& batch, tfm::View x, tfm::MutableView y, Saved* saved = nullptr) const {
    const tfm::Arena::Frame frame(context.scratch);
    tfm::Arena& home = saved != nullptr ? context.kept : context.scratch;
    const tfm::MutableView h = home.matrix(x.rows, x.cols), t = home.matrix(x.rows, x.cols);
    hidden.forward(context, batch, x, h, saved != nullptr ? &saved->hidden : nullptr);
    gate.forward(context, batch, x, t, saved != nullptr ? &saved->gate : nullptr);
    auto H = tfm::eigen(h).array(), T = tfm::eigen(t).array();
    H = H.tanh();
    T = 1 / (1 + (-T).exp());
    tfm::eigen(y).array() = T * H + (1 - T) * tfm::eigen(x).array();
    if (saved != nullptr) saved->x = x, saved->h = h, saved->t = t;
  }

  /// Adds to dx and to the weights' gradients: dh = dy t (1 - h²), dt = dy (h - x) t (1 - t), and (1 - t) dy goes straight to x.
  void backward(tfm::Context& context, const tfm::Batch& batch, tfm::View dy, const Saved& saved, tfm::MutableView dx, const tfm::Gradients& gradients) const {
    const tfm::Arena::Frame frame(context.scratch);
    const tfm::MutableView dh = context.scratch.matrix(dy.rows, dy.cols), dt = context.scratch.matrix(dy.rows, dy.cols);
    const auto D = tfm::eigen(dy).array(), X = tfm::eigen(saved.x).array(), H = tfm::eigen(saved.h).array(), T = tfm::eigen(saved.t).array();
    tfm::eigen(dh).array() = D * T * (1 - H.square());
    tfm::eigen(dt).array() = D * (H - X) * T * (1 - T);
    tfm::eigen(dx).array() += D * (1 - T);
    hidden.backward(context, batch, dh, saved.hidden, dx, gradients);
    gate.backward(context, batch, dt, saved.gate, dx, gradients);
  }

  /// The names that checkpoints, optimizers and the check below know the weights by.
  void visit(auto&& f) { f("hidden", hidden), f("gate", gate); }
};

}  // namespace mine

int main() try {
  constexpr tfm::Index dim = 12, tokens = 7;
  mine::Highway layer(dim);
  tfm::initialise(tfm::Parameters(layer), tfm::XavierUniform{}, 1);
  tfm::Buffer x(tokens, dim);
  for (tfm::Index i = 0; i < x.view().size(); ++i) x.view().data[i] = tfm::standard_normal(tfm::RandomKey{2}, static_cast<std::uint64_t>(i));
  const tfm::Index start[] = {0, 3, tokens};  // two sequences

  tfm::Context context;
  const tfm::Faults faults = tfm::check_gradients(context, layer, tfm::Batch{start}, x, dim);
  for (const std::string& fault : faults) std::cout << fault << '\n';
  std::cout << "highway layer: dx and 2 weights checked, " << faults.size() << " faults\n";
  return faults.empty() ? 0 : 1;
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
