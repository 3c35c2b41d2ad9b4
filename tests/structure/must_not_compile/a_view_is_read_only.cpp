// says: read-only
#include "tfm/core/view.hpp"

void f(tfm::View x, tfm::MutableView y) {
#ifdef WRONG
  x.row(0)[0] = 1;
#endif
  y.row(0)[0] = x.row(0)[0];
}
