# `cmake --install`: the headers, the CMake package that find_package(tfm) reads, and tfm.pc for pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/tfm)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tfm DESTINATION include)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tfm)
install(TARGETS tfm EXPORT tfmTargets)
install(EXPORT tfmTargets NAMESPACE tfm:: DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tfmConfig.cmake.in ${PROJECT_BINARY_DIR}/tfmConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change what users write.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tfmConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/tfmConfig.cmake ${PROJECT_BINARY_DIR}/tfmConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/TfmLibraries.cmake ${CMAKE_CURRENT_LIST_DIR}/TfmCompiled.cmake DESTINATION ${package_dir})
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/compiled DESTINATION ${package_dir})

set(tfm_requires "nlohmann_json xsimd")
if(tfm_sentencepiece_FOUND)
  string(APPEND tfm_requires " sentencepiece")
endif()
if(tfm_eigen_FOUND)
  string(APPEND tfm_requires " eigen3")
endif()
if(tfm_utf8proc_FOUND)
  string(APPEND tfm_requires " libutf8proc")
endif()
if(tfm_libzip_FOUND)
  string(APPEND tfm_requires " libzip")
endif()
set(tfm_libs "")
if(tfm_libcsv_FOUND)
  set(tfm_libs " -lcsv")  # which has no .pc file
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/tfm.pc.in ${PROJECT_BINARY_DIR}/tfm.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tfm.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
