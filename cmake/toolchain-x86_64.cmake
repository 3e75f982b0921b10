# SPDX-License-Identifier: MIT
# Cross toolchain: clang and lld of LLVM 14, freestanding x86_64 ELF. clang's driver would link
# through the host's gcc for this triple, so ld.lld is called directly with flags of our own.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# clang 14 reads a stack canary through a segment register for this triple, but not for
# x86_64-unknown-elf. Nothing else is Linux's: cmake/flags.cmake takes its macros away.
set(TESSERA_TRIPLE x86_64-unknown-linux)

set(CMAKE_C_COMPILER clang-14)
set(CMAKE_C_COMPILER_TARGET ${TESSERA_TRIPLE})
set(CMAKE_ASM_COMPILER clang-14)
set(CMAKE_ASM_COMPILER_TARGET ${TESSERA_TRIPLE})
set(CMAKE_AR llvm-ar-14 CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB llvm-ranlib-14 CACHE FILEPATH "" FORCE)
set(CMAKE_NM llvm-nm-14 CACHE FILEPATH "" FORCE)
set(CMAKE_OBJCOPY llvm-objcopy-14 CACHE FILEPATH "" FORCE)
set(CMAKE_LINKER ld.lld-14 CACHE FILEPATH "" FORCE)

set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_LINK_EXECUTABLE
    "<CMAKE_LINKER> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
set(CMAKE_ASM_LINK_EXECUTABLE "${CMAKE_C_LINK_EXECUTABLE}")
set(CMAKE_EXECUTABLE_SUFFIX "")

# Both build types optimise and carry debug information; Debug adds checks (cmake/flags.cmake).
set(CMAKE_C_FLAGS_DEBUG_INIT "")
set(CMAKE_C_FLAGS_DEBUG "" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_RELEASE "" CACHE STRING "" FORCE)
set(CMAKE_ASM_FLAGS_DEBUG "" CACHE STRING "" FORCE)
set(CMAKE_ASM_FLAGS_RELEASE "" CACHE STRING "" FORCE)
