// Two files with different -m flags in one program, linked in either order: the same bits, in every region of this CPU.
#include <iostream>

#include "results.hpp"

int main() {
  const Results plain = plain_results(), flagged = flagged_results();
  int different = 0;
  for (const auto& [what, hash] : plain) {
    std::cout << what << ' ' << std::hex << hash << std::dec << '\n';
    if (flagged.at(what) != hash) {
      std::cout << "different under other flags: " << what << '\n';
      ++different;
    }
  }
  return different == 0 && !plain.empty() && plain.size() == flagged.size() ? 0 : 1;
}
