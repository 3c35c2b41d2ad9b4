# tfm::tfm, the headers and what they need. It adds no compiler flag: kernels choose their instruction set at run time.
add_library(tfm INTERFACE)
add_library(tfm::tfm ALIAS tfm)
target_include_directories(tfm INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_features(tfm INTERFACE cxx_std_20)
target_link_libraries(tfm INTERFACE Eigen3::Eigen nlohmann_json::nlohmann_json Threads::Threads)
target_include_directories(tfm SYSTEM INTERFACE ${xsimd_INCLUDE_DIRS} ${TFM_SENTENCEPIECE_INCLUDE} ${TFM_UTF8PROC_INCLUDE})
target_link_libraries(tfm INTERFACE ${TFM_SENTENCEPIECE_LIBRARY} ${TFM_UTF8PROC_LIBRARY})
