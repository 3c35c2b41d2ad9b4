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

# tfm::compiled, for who builds often: the same headers, and what is dear of them compiled once, always optimised. Four files, so that they
# compile beside one another: what TFM_IMPLEMENTATION has in one.
set(compiled ${CMAKE_CURRENT_LIST_DIR}/compiled)
add_library(tfm_compiled STATIC EXCLUDE_FROM_ALL ${compiled}/kernels.cpp ${compiled}/llama.cpp ${compiled}/jinja.cpp ${compiled}/definitions.cpp)
add_library(tfm::compiled ALIAS tfm_compiled)
target_compile_definitions(tfm_compiled PUBLIC TFM_COMPILED)
target_compile_options(tfm_compiled PRIVATE -O2)
target_link_libraries(tfm_compiled PUBLIC tfm)
