// The kernels of every instruction set, compiled once.
#define TFM_KERNEL_BODIES
#include <tfm/kernels/cpu/regions.hpp>
