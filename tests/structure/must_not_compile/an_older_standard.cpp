// says: tfm: compile with -std=c\+\+20 or newer
// with: -std=c++17
#include "tfm/core/config.hpp"
