# tfm_import(name header library) makes the target tfm::<name> of a library whose own CMake package is missing, or differs
# from system to system, and sets tfm_<name>_FOUND. An empty `library` means headers alone. The build uses it, and so does
# find_package(tfm), beside whose files it is installed.
set(tfm_xsimd_message "xsimd was not found; install it (Debian: libxsimd-dev), or set TFM_XSIMD_INCLUDE to the folder of xsimd/")
set(tfm_sentencepiece_message "sentencepiece was not found, so tokenizer.model files cannot be read: headers that include \
<tfm/text/sentencepiece.hpp> do not compile. Install it (Debian: libsentencepiece-dev), or set TFM_SENTENCEPIECE_INCLUDE and TFM_SENTENCEPIECE_LIBRARY")
set(tfm_utf8proc_message "utf8proc was not found, so byte-level BPE vocabularies cannot be read: headers that include \
<tfm/text/byte_bpe.hpp> do not compile. Install it (Debian: libutf8proc-dev), or set TFM_UTF8PROC_INCLUDE and TFM_UTF8PROC_LIBRARY")
set(tfm_libzip_message "libzip was not found, so PyTorch's .bin files cannot be read: headers that include \
<tfm/formats/torch_zip.hpp> do not compile. Install it (Debian: libzip-dev), or set TFM_LIBZIP_INCLUDE and TFM_LIBZIP_LIBRARY")
set(tfm_libcsv_message "libcsv was not found, so CSV files cannot be read: headers that include \
<tfm/train/data/csv.hpp> do not compile. Install it (Debian: libcsv-dev), or set TFM_LIBCSV_INCLUDE and TFM_LIBCSV_LIBRARY")

set(tfm_eigen_message "Eigen was not found: <tfm/eigen.hpp> does not compile. Install it (Debian: libeigen3-dev), or set TFM_EIGEN_INCLUDE \
to the folder of Eigen/")

function(tfm_import name header library)
  string(TOUPPER ${name} NAME)
  find_path(TFM_${NAME}_INCLUDE ${header} PATH_SUFFIXES eigen3)
  mark_as_advanced(TFM_${NAME}_INCLUDE)
  set(found ${TFM_${NAME}_INCLUDE})
  if(library)
    find_library(TFM_${NAME}_LIBRARY ${library})
    mark_as_advanced(TFM_${NAME}_LIBRARY)
    if(NOT TFM_${NAME}_LIBRARY)
      set(found FALSE)
    endif()
  endif()
  if(found)
    set(tfm_${name}_FOUND TRUE PARENT_SCOPE)
    if(NOT TARGET tfm::${name})
      add_library(tfm::${name} INTERFACE IMPORTED GLOBAL)
      target_include_directories(tfm::${name} INTERFACE ${TFM_${NAME}_INCLUDE})
      if(library)
        target_link_libraries(tfm::${name} INTERFACE ${TFM_${NAME}_LIBRARY})
      endif()
    endif()
  else()
    set(tfm_${name}_FOUND FALSE PARENT_SCOPE)
  endif()
endfunction()
