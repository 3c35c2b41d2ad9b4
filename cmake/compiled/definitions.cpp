// What is no template and no kernel, of every room, compiled once; of the optional headers those whose library is there.
#define TFM_DEFINITIONS
#include <tfm/tfm.hpp>
#if __has_include(<zip.h>)
#include <tfm/formats/torch_zip.hpp>
#endif
#if __has_include(<csv.h>)
#include <tfm/train/data/csv.hpp>
#endif
