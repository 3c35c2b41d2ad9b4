# tfm::tfm, the headers and what they need. It adds no compiler flag: kernels choose their instruction set at run time.
add_library(tfm INTERFACE)
add_library(tfm::tfm ALIAS tfm)
target_include_directories(tfm INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_features(tfm INTERFACE cxx_std_20)
target_link_libraries(tfm INTERFACE nlohmann_json::nlohmann_json Threads::Threads tfm::xsimd)
foreach(name sentencepiece utf8proc libzip libcsv eigen)
  if(NOT TARGET tfm::${name})
    add_library(tfm::${name} INTERFACE IMPORTED GLOBAL)  # an empty one: the headers that need it will say what is missing
  endif()
  target_link_libraries(tfm INTERFACE tfm::${name})
endforeach()

include("${CMAKE_CURRENT_LIST_DIR}/TfmCompiled.cmake")
