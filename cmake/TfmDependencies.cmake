# The libraries that tfm stands on: installed packages.
find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(xsimd REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)

find_path(TFM_SENTENCEPIECE_INCLUDE sentencepiece_processor.h)
find_library(TFM_SENTENCEPIECE_LIBRARY sentencepiece)
find_path(TFM_UTF8PROC_INCLUDE utf8proc.h)
find_library(TFM_UTF8PROC_LIBRARY utf8proc)
