#pragma once
// AsNobody: while it lives, a test that root runs has no more rights than others have.
#include <unistd.h>

namespace tfm_test {

class AsNobody {
  bool root_ = ::geteuid() == 0 && ::seteuid(65534) == 0;

 public:
  AsNobody() = default;
  ~AsNobody() {
    if (root_ && ::seteuid(0) != 0) ::_exit(1);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
};

}  // namespace tfm_test
