# tfm::compiled, for who builds often: the same headers, and what is dear of them compiled once, always optimised, in the project that links
# it. Five files, so that they compile beside one another: what TFM_IMPLEMENTATION has in one.
if(NOT TARGET tfm_compiled)
  set(compiled ${CMAKE_CURRENT_LIST_DIR}/compiled)
  add_library(tfm_compiled STATIC EXCLUDE_FROM_ALL ${compiled}/kernels.cpp ${compiled}/llama.cpp ${compiled}/jinja.cpp ${compiled}/definitions.cpp
    ${compiled}/training.cpp)
  add_library(tfm::compiled ALIAS tfm_compiled)
  target_compile_definitions(tfm_compiled PUBLIC TFM_COMPILED)
  target_compile_options(tfm_compiled PRIVATE -O2)
  target_link_libraries(tfm_compiled PUBLIC tfm::tfm)
endif()
