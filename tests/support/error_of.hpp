#pragma once
// error_of: the message of the error that a call must throw, for a test to compare.
#include <exception>
#include <string>
#include <typeinfo>

namespace tfm_test {

/// What `call` threw, if it threw an E and nothing derived from it; otherwise a sentence that no test expects.
template <class E, class F>
std::string error_of(F&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    if (typeid(error) == typeid(E)) return error.what();
    return std::string("an error of another type: ") + error.what();
  }
  return "no error";
}

}  // namespace tfm_test
