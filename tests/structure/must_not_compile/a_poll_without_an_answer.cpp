// says: StopToken
#include "tfm/core/stop_token.hpp"

struct Poll {
#ifdef WRONG
  void stop_requested() const {}
#else
  bool stop_requested() const { return false; }
#endif
};
tfm::StopToken f() { return Poll(); }
