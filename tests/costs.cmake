# What compiling, linking and testing cost, in CPU seconds, is written down as it happens. The last test of every run prints it for each
# room, and holds it to the budgets.
set(tfm_cpu_time ${CMAKE_CURRENT_SOURCE_DIR}/cpu_time.sh)
set(tfm_build_log ${PROJECT_BINARY_DIR}/cpu_build.log)
set(tfm_tests_log ${PROJECT_BINARY_DIR}/cpu_tests.log)
set_property(GLOBAL PROPERTY RULE_LAUNCH_COMPILE "${tfm_cpu_time} ${tfm_build_log} <TARGET_NAME>:<OBJECT>")
set_property(GLOBAL PROPERTY RULE_LAUNCH_LINK "${tfm_cpu_time} ${tfm_build_log} <TARGET_NAME>:<TARGET>")

# tfm_add_test(name label command...): a test that prints [tfm: skipped] where what it needs is missing.
function(tfm_add_test name label)
  add_test(NAME ${name} COMMAND ${tfm_cpu_time} ${tfm_tests_log} ${label} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 600 FIXTURES_REQUIRED costs SKIP_REGULAR_EXPRESSION "\\[tfm: skipped\\]")
endfunction()

# tfm_add_catch_tests(target label [spec...] [PREFIX prefix] [SKIPPED expression]): the cases of a program that the spec names, or all.
# A case that lacks its data prints the marker, passes, and counts as skipped.
function(tfm_add_catch_tests target label)
  cmake_parse_arguments(PARSE_ARGV 2 given "" "PREFIX;SKIPPED" "")
  if(NOT given_PREFIX)
    set(given_PREFIX ${label})
  endif()
  if(NOT given_SKIPPED)
    set(given_SKIPPED "\\[tfm: skipped\\].*All tests passed")
  endif()
  set_target_properties(${target} PROPERTIES CROSSCOMPILING_EMULATOR "${tfm_cpu_time};${tfm_tests_log};${label}")
  catch_discover_tests(${target} TEST_PREFIX "${given_PREFIX}: " TEST_SPEC ${given_UNPARSED_ARGUMENTS}
    PROPERTIES SKIP_REGULAR_EXPRESSION ${given_SKIPPED} LABELS ${label} FIXTURES_REQUIRED costs)
endfunction()

add_test(NAME "costs: begin" COMMAND ${CMAKE_COMMAND} -E rm -f ${tfm_tests_log})
set_tests_properties("costs: begin" PROPERTIES FIXTURES_SETUP costs LABELS costs)
add_test(NAME "costs: within the budgets" COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/structure/cpu_budgets.py
  ${tfm_build_log} ${tfm_tests_log} --compiler ${CMAKE_CXX_COMPILER} --budgets "${TFM_TEST_BUDGETS}"
  --table ${PROJECT_BINARY_DIR}/cpu_costs.txt)
set_tests_properties("costs: within the budgets" PROPERTIES FIXTURES_CLEANUP costs LABELS costs TIMEOUT 300)
