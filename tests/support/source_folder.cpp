#include "support/data.hpp"

std::filesystem::path tfm_test::source_folder() { return TFM_SOURCE_DIR; }
