# The AVX-VNNI and AVX-512 kernels' tests again, with the instructions emulated by SIMDe on AVX2: a CPU that lacks them tests what it
# cannot run, and one that has them the emulation. The tests' objects are those of the rooms; the kernels alone are compiled
# once more, and stand before the library's archive, whose own are then never taken.
if(NOT TFM_TEST_EMULATED OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  return()
endif()
find_path(TFM_SIMDE_INCLUDE simde/x86/avx512/dpbusd.h)
mark_as_advanced(TFM_SIMDE_INCLUDE)
if(NOT TFM_SIMDE_INCLUDE)
  message(STATUS "tfm: SIMDe was not found, so the kernels of AVX-VNNI and AVX-512 are tested only where the CPU has them; install it (Debian: libsimde-dev), or set TFM_SIMDE_INCLUDE to the folder of simde/")
  tfm_add_test("kernels, emulated" emulated ${CMAKE_COMMAND} -E echo "[tfm: skipped] SIMDe (libsimde-dev) is not installed")
  return()
endif()

add_library(tfm_emulated OBJECT ${CMAKE_CURRENT_LIST_DIR}/kernels.cpp ${CMAKE_CURRENT_LIST_DIR}/runs.cpp)
target_include_directories(tfm_emulated SYSTEM PRIVATE ${TFM_SIMDE_INCLUDE})
target_include_directories(tfm_emulated PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(tfm_emulated PRIVATE TFM_COMPILED)
# An instruction rounds its own result; 64 bytes pass between functions in memory here, and nobody else calls them. Compiling costs more than running.
set(options -O1 -mno-avx512f -ffp-contract=off -Wno-psabi)
target_compile_options(tfm_emulated PRIVATE ${options} -Wall -Wextra -Wconversion -Wshadow -Wno-unused-parameter)
target_link_libraries(tfm_emulated PRIVATE tfm::tfm)

# test_ROOM_emulated: the room's tests, of which CTest runs those that the spec names.
function(tfm_add_emulated room)
  add_executable(test_${room}_emulated $<TARGET_OBJECTS:test_${room}> $<TARGET_OBJECTS:tfm_emulated>)
  target_link_libraries(test_${room}_emulated PRIVATE tfm_test_main)
  tfm_add_catch_tests(test_${room}_emulated emulated ${ARGN} PREFIX "${room}, emulated"
    SKIPPED "\\[tfm: skipped\\].*(All tests passed|assertions: - none)")
endfunction()
tfm_add_emulated(kernels ${TFM_TEST_SPEC})
target_sources(test_kernels_emulated PRIVATE ${CMAKE_CURRENT_LIST_DIR}/instructions.cpp)
target_include_directories(test_kernels_emulated SYSTEM PRIVATE ${TFM_SIMDE_INCLUDE})
target_compile_options(test_kernels_emulated PRIVATE ${options})
tfm_add_emulated(layers "*same bits everywhere*")

# They are what runs: AVX2's registers, and no wider ones.
add_test(NAME "kernels, emulated: no register of AVX-512" COMMAND sh -c
  "\"$0\" -d \"$@\" | awk '/%ymm/ { narrow = 1 } /%zmm/ { wide = 1 } END { exit !narrow || wide }'" ${CMAKE_OBJDUMP} $<TARGET_OBJECTS:tfm_emulated>
  COMMAND_EXPAND_LISTS)
set_tests_properties("kernels, emulated: no register of AVX-512" PROPERTIES LABELS emulated)
