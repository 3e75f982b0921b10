# SPDX-License-Identifier: MIT
# Compiler and linker flags of the kernel and of user code, and the generated include folders.

# Headers are included by the names they have in the ABI, wherever the build directory is. The
# kernel's folder holds ipc/abi and ipc/format alone, so that it cannot even see the user side's
# libraries.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include/kernel/tessera ${CMAKE_BINARY_DIR}/include/user)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/ipc/abi ${CMAKE_BINARY_DIR}/include/kernel/tessera/abi SYMBOLIC)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/ipc/format ${CMAKE_BINARY_DIR}/include/kernel/tessera/format
     SYMBOLIC)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/ipc ${CMAKE_BINARY_DIR}/include/user/tessera SYMBOLIC)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/drivers/lib ${CMAKE_BINARY_DIR}/include/user/drivers SYMBOLIC)
# <tessera/machine/…> is the machine's part of the ABI, for both.
set(machine_include ${CMAKE_BINARY_DIR}/include/machine)
file(MAKE_DIRECTORY ${machine_include}/tessera)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/ipc/abi/machine/${TESSERA_ARCH} ${machine_include}/tessera/machine
     SYMBOLIC)

set(ubsan_default OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(ubsan_default ON)
endif()
option(TESSERA_UBSAN "Undefined behaviour in the kernel panics (debug kernel)" ${ubsan_default})

set(common_flags
    -U__linux__ -U__linux -U__gnu_linux__ -U__unix__ -U__unix
    -std=c17 -O2 -g -Wall -Wextra -Werror -Wthread-safety -Wmissing-prototypes -Wstrict-prototypes
    -Wvla -nostdlibinc -fno-omit-frame-pointer -fno-strict-aliasing -fno-common
    -ffunction-sections -fdata-sections
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  list(APPEND common_flags -DTS_DEBUG=1)
endif()

# In the release kernel functions with arrays of bytes have a canary; in the debug kernel and in
# programs all that have an array or give away the address of a variable. There that costs a call
# or a page fault 1.5 to 2.5 % of its instructions.
set(kernel_canaries -fstack-protector)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(kernel_canaries -fstack-protector-strong)
endif()

# A frame is smaller than the guard page below a kernel stack: one that does not fit touches it.
set(TESSERA_KERNEL_FLAGS
    ${common_flags} -ffreestanding ${TESSERA_KERNEL_MACHINE} -fno-pic
    ${kernel_canaries} ${TESSERA_KERNEL_CANARY} -Wframe-larger-than=2048
    -fno-asynchronous-unwind-tables)
if(TESSERA_UBSAN)
  list(APPEND TESSERA_KERNEL_FLAGS -fsanitize=undefined)
endif()
set(TESSERA_KERNEL_INCLUDES
    ${CMAKE_SOURCE_DIR}/kernel/include ${CMAKE_SOURCE_DIR}/kernel
    ${CMAKE_SOURCE_DIR}/arch/include ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/include
    ${CMAKE_BINARY_DIR}/include/kernel ${machine_include})

# User code is static PIE: everything is in one image, so thread-local storage is local-exec.
set(TESSERA_USER_FLAGS
    ${common_flags} ${TESSERA_USER_MACHINE} -fPIE -ftls-model=local-exec
    -fstack-protector-strong ${TESSERA_USER_CANARY}
    -fno-asynchronous-unwind-tables -D__tessera__ -D_DEFAULT_SOURCE)
set(TESSERA_USER_INCLUDES ${CMAKE_BINARY_DIR}/include/user ${machine_include})
# -zX, not -z X: CMake would take a second -z for a repetition and drop it.
set(TESSERA_USER_LINK_FLAGS
    -pie -static --no-dynamic-linker -ztext -zrelro -znow -znoexecstack -zseparate-code
    -zmax-page-size=4096 --pack-dyn-relocs=relr --gc-sections --build-id=none --hash-style=gnu -e _start)
