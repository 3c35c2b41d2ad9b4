#pragma once
// A function's parameters, found among the arguments of a call.
#include <array>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "tfm/text/jinja/operators.inl"

namespace tfm::inline TFM_ABI::jinja {

/// At most six. A parameter without a name is given by its place alone.
class Parameters {
  Machine& m_;
  std::string_view function_;
  std::array<const Value*, 6> given_{};

 public:
  Parameters(Machine& m, std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> names, std::size_t required = 0)
      : m_(m), function_(function) {
    if (arguments.values.size() > names.size())
      m.fail({function, "() takes at most ", names.size(), " arguments, found ", arguments.values.size()});
    for (std::size_t i = 0; i < arguments.values.size(); ++i) given_[i] = &arguments.values[i];
    for (const auto& [name, value] : arguments.named) {
      std::size_t i = 0;
      while (i < names.size() && names.begin()[i] != name) ++i;
      if (i == names.size()) m.fail({function, "() takes no keyword argument '", name, "'"});
      if (given_[i] != nullptr) m.fail({function, "() got more than one value for '", name, "'"});
      given_[i] = &value;
    }
    for (std::size_t i = 0; i < required; ++i)
      if (given_[i] == nullptr) m.fail({function, "() misses the argument '", names.begin()[i], "'"});
  }
  bool has(std::size_t i) const { return given_[i] != nullptr; }
  /// Given, and not none.
  bool says(std::size_t i) const { return has(i) && !given_[i]->is(Kind::none); }
  const Value& operator[](std::size_t i) const { return *given_[i]; }
  Value value(std::size_t i, Value otherwise) const { return has(i) ? *given_[i] : std::move(otherwise); }

  std::int64_t integer(std::size_t i, std::int64_t otherwise) const {
    if (!has(i)) return otherwise;
    if (!given_[i]->is(Kind::integer) && !given_[i]->is(Kind::boolean)) wrong(i, "an integer");
    return given_[i]->integer();
  }
  bool flag(std::size_t i, bool otherwise) const { return has(i) ? truth(*given_[i]) : otherwise; }
  const Value& text(std::size_t i) const {
    if (!given_[i]->is(Kind::text)) wrong(i, "a string");
    return *given_[i];
  }
  [[noreturn, gnu::cold]] void wrong(std::size_t i, std::string_view expected) const {
    if (given_[i]->is(Kind::undefined)) fail_undefined(m_, *given_[i]);
    m_.fail({function_, "(): argument ", i + 1, " is of type '", type_name(*given_[i]), "', expected ", expected});
  }
};

}  // namespace tfm::inline TFM_ABI::jinja
