#pragma once
// Unicode's normalization forms (UAX 15) of a text, by utf8proc's tables.
#include <string>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

enum class NormalForm : unsigned char { nfc, nfd, nfkc, nfkd };

/// Puts a well-formed text into the form, in time that grows with its length and no faster than sorting its marks.
void normalize(std::string& text, NormalForm form);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/normal_forms.inl"
#endif
