# What every file reads again is read once: standard headers, fmt and, for tests, GoogleTest out of a precompiled header; a folder's
# own headers and templates by compiling eight of its files together. Only headers from outside the repository stand in the list.
# The preset `dev` goes without both: there every file shows that its own includes are enough. Numbers: docs/decisions/0012-build-time.md.
option(PANDUN_PRECOMPILED "read standard headers once for all files" OFF)

set(PANDUN_PRECOMPILED_HEADERS <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <cstdint> <cstring> <deque>
  <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <unordered_map> <unordered_set>
  <utility> <variant> <vector> <fmt/format.h>)

# Options for files of tests and for nothing else.
set(PANDUN_TEST_OPTIONS "" CACHE STRING "further compiler options of test files")

# A precompiled header serves only files compiled by the same flags: libraries are -fPIC, programs -fPIE.
if(PANDUN_PRECOMPILED)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 warns of code inside std::string when that comes from a precompiled header: false positives, else hidden as a
    # system header's. The release preset keeps these warnings.
    target_compile_options(pandun_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  endif()
  if(CMAKE_CXX_COMPILER_LAUNCHER)
    # ccache keeps what was made with a precompiled header only when it is told so; another launcher does not mind.
    list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros)
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled/empty.cpp CONTENT "" @ONLY)
  foreach(kind library program test)
    add_library(precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled/empty.cpp)
    target_link_libraries(precompiled_${kind} PRIVATE fmt::fmt pandun_flags)
    target_precompile_headers(precompiled_${kind} PRIVATE ${PANDUN_PRECOMPILED_HEADERS})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # Without times inside, ccache knows the header again in a fresh build folder.
      target_compile_options(precompiled_${kind} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
    if(NOT kind STREQUAL "library")
      set_target_properties(precompiled_${kind} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(precompiled_${kind} PRIVATE -fPIE)
    endif()
  endforeach()
  if(PANDUN_TESTS)
    target_precompile_headers(precompiled_test PRIVATE <gtest/gtest.h> <gmock/gmock.h>)
    target_link_libraries(precompiled_test PRIVATE GTest::gmock GTest::gtest)
    target_compile_options(precompiled_test PRIVATE ${PANDUN_TEST_OPTIONS})
  endif()
endif()

# precompiled(TARGET library|program|test)
function(precompiled target kind)
  if(PANDUN_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  endif()
endfunction()

# What a folder's files have in common is read once for eight of them as well.
option(PANDUN_UNITY "compile several files of a target at once" OFF)
if(PANDUN_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes the unnamed namespace of a file that another includes for a header's. The preset `dev` keeps the warning.
  target_compile_options(pandun_flags INTERFACE -Wno-subobject-linkage)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # GCC inlines less in units it holds for large: eight files together are, and std::string_view::substr became a call.
    target_compile_options(pandun_flags INTERFACE --param=large-unit-insns=80000)
  endif()
endif()

function(unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${PANDUN_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()
