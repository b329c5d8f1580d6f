# Compiler, warnings, sanitizers, launcher and linker: one place, every preset.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(pandun_flags INTERFACE)
target_compile_options(pandun_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(pandun_flags INTERFACE -Wthread-safety)
endif()

if(PANDUN_SANITIZE)
  add_compile_options(-fsanitize=${PANDUN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PANDUN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports false positives of these two under sanitizers (GCC bugs 105562, 105329).
    target_compile_options(pandun_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
  endif()
endif()
if(PANDUN_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PANDUN_FUZZ needs Clang: use the preset 'fuzz'")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# An environment that names a launcher of its own wins.
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER AND NOT DEFINED ENV{CMAKE_CXX_COMPILER_LAUNCHER})
  find_program(PANDUN_CCACHE ccache)
  if(PANDUN_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PANDUN_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${PANDUN_CCACHE})
  endif()
endif()
find_program(PANDUN_MOLD mold)
if(PANDUN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
if(PANDUN_TESTS)
  find_package(GTest REQUIRED)
  enable_testing()
endif()
