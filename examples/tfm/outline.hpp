#pragma once
// What a file or folder is that is no model which tfm opens, as far as it says so itself.
#include <string>

#include "arguments.hpp"

namespace cli {

/// Tells on standard output what it is, and `why` it is not opened. Nothing, where it does not say what it is: it is damaged, or something else.
void tell_outline(const InfoArguments& arguments, const std::string& why);

}  // namespace cli
