#include "support/isas.hpp"

bool tfm_test::runs(tfm::Isa isa) { return tfm::supported(isa); }
