#pragma once
// What each copy of unit.cpp computes: the same work, under the flags of its own file.
#include <cstdint>
#include <map>
#include <string>

using Results = std::map<std::string, std::uint64_t>;  // what, and the hash of its bits
Results plain_results();
Results flagged_results();
