#pragma once
// Hashes of the logits of generated models (models/same_bits.cpp, models/windows.cpp): every machine with a fused multiply-add gives these.
// They change only when an operation, its order or its rounding changes, which then is to be said in the changelog.
#include "support/expected_hash.hpp"

namespace tfm_test {

inline constexpr ExpectedHash model_hashes[] = {
    {"even BF16 exact, cache F16", 0x32d4348895bd7451u},
    {"even BF16 exact, cache F32", 0xdf0f1c4253253b7cu},
    {"even BF16 fast, cache F16", 0x32d4348895bd7451u},
    {"even BF16 fast, cache F32", 0xdf0f1c4253253b7cu},
    {"even F16 exact, cache F16", 0x810abcc0d9f016fcu},
    {"even F16 exact, cache F32", 0x40f1432ecd537a9cu},
    {"even F16 fast, cache F16", 0x810abcc0d9f016fcu},
    {"even F16 fast, cache F32", 0x40f1432ecd537a9cu},
    {"even F32 exact, cache F16", 0xc8a7a59c9e1d2486u},
    {"even F32 exact, cache F32", 0x792e647ab9fdbdbu},
    {"even F32 fast, cache F16", 0xc8a7a59c9e1d2486u},
    {"even F32 fast, cache F32", 0x792e647ab9fdbdbu},
    {"even Int8 exact, cache F16", 0xaca627e6351b1dd2u},
    {"even Int8 exact, cache F32", 0x29eda213c0e3ec6u},
    {"even Int8 fast, cache F16", 0x427e4e8d09cc4a00u},
    {"even Int8 fast, cache F32", 0xf8bdebffc6cf75adu},
    {"even Q4_0 exact, cache F16", 0xfa56acc93126ae17u},
    {"even Q4_0 exact, cache F32", 0x6b95f494ad4a58afu},
    {"even Q4_0 fast, cache F16", 0x907be1fdcfa358cdu},
    {"even Q4_0 fast, cache F32", 0x2c7a0892f12f67feu},
    {"even Q4_1 exact, cache F16", 0x4404daf6bdca6f8eu},
    {"even Q4_1 exact, cache F32", 0xc00be6605404446du},
    {"even Q4_1 fast, cache F16", 0x1a8cd18ae10d8560u},
    {"even Q4_1 fast, cache F32", 0x28b748fddbbf5ff0u},
    {"even Q8_0 exact, cache F16", 0x1544a004526600deu},
    {"even Q8_0 exact, cache F32", 0x638914ad994449d6u},
    {"even Q8_0 exact, cache Q8_0", 0x3d72860c38766740u},
    {"even Q8_0 fast, cache F16", 0x4bcd6dcae08fbe7fu},
    {"even Q8_0 fast, cache F32", 0x543687accd3b2321u},
    {"even Q8_0 fast, cache Q8_0", 0xc6ff3db0c6b96154u},
    {"odd F32 exact, cache F16", 0xf3cb905de4b5fff8u},
    {"odd F32 exact, cache F32", 0x8e0fabad99ce4023u},
    {"odd F32 exact, cache Q8_0", 0x7fa5e251de2d1392u},
    {"odd F32 fast, cache F16", 0xf3cb905de4b5fff8u},
    {"odd F32 fast, cache F32", 0x8e0fabad99ce4023u},
    {"odd F32 fast, cache Q8_0", 0x7fa5e251de2d1392u},
    {"odd Int8 exact, cache F16", 0xbe0bdc25f5f321fdu},
    {"odd Int8 exact, cache F32", 0xd7f39a18e1149a68u},
    {"odd Int8 fast, cache F16", 0xbcdf7ce92d111709u},
    {"odd Int8 fast, cache F32", 0x394abca4a2ba2fedu},
    {"window 100", 0x72f764106a48e68fu},
    {"window 1100", 0xbb2949128d41fdau},
    {"window 512", 0x76226c3ca95b64b7u},
    {"window 64", 0x5b033faadb030335u},
    {"window 9", 0x8ddb22c281ec0456u},
};

}  // namespace tfm_test
