# SPDX-License-Identifier: MIT
# User side: the libraries every program may use, and the function that declares more.
#
#   tessera_library(NAME [SOURCES…] [LIBS…] [INCLUDES…])
#
# SOURCES default to all *.c and *.S of the calling folder.
function(tessera_user_flags target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:${TESSERA_USER_FLAGS}>"
    "$<$<COMPILE_LANGUAGE:ASM>:-g;-fPIE;-nostdlibinc;-Wno-unused-command-line-argument>")
  target_include_directories(${target} PRIVATE ${TESSERA_USER_INCLUDES})
  # The overlay comes first and newlib last, whatever other folders a target adds.
  target_compile_options(${target} PRIVATE
    -I${CMAKE_SOURCE_DIR}/compat/newlib/include -isystem ${TESSERA_NEWLIB}/include)
  add_dependencies(${target} newlib)
endfunction()

# WHOLE: optimised together with the program that it becomes part of.
function(tessera_library name)
  cmake_parse_arguments(L "WHOLE" "" "SOURCES;LIBS;INCLUDES" ${ARGN})
  if(NOT L_SOURCES)
    file(GLOB L_SOURCES CONFIGURE_DEPENDS *.c *.S)
  endif()
  add_library(${name} STATIC ${L_SOURCES})
  tessera_user_flags(${name})
  if(L_WHOLE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:C>:-flto>)
  endif()
  target_include_directories(${name} PUBLIC ${L_INCLUDES})
  target_link_libraries(${name} PUBLIC ${L_LIBS})
endfunction()

file(GLOB tessera_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/ipc/lib/*.c ${CMAKE_SOURCE_DIR}/ipc/ring/*.c ${CMAKE_SOURCE_DIR}/ipc/format/*.c
  ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/user/*.[cS])
set(crt0_sources ${tessera_sources})
list(FILTER tessera_sources EXCLUDE REGEX "/crt0\\.[cS]$")
list(FILTER crt0_sources INCLUDE REGEX "/crt0\\.[cS]$")
tessera_library(tessera SOURCES ${tessera_sources})

# Start-up code: the first instructions of every program.
add_library(crt0 OBJECT ${crt0_sources})
tessera_user_flags(crt0)

# For a machine without a libc, all of the library in one program, which nobody runs: what the
# machine's folder lacks, the linker names. (Linked as a whole, since otherwise it drops what nobody
# asks for, with what that lacks.)
if(TESSERA_LIBC_NEEDED)
  list(TRANSFORM TESSERA_LIBC_NEEDED REPLACE "(.+)" "--defsym=\\1=0" OUTPUT_VARIABLE libc)
  add_executable(library-whole EXCLUDE_FROM_ALL $<TARGET_OBJECTS:crt0>)
  set_target_properties(library-whole PROPERTIES LINKER_LANGUAGE C)
  target_link_options(library-whole PRIVATE ${TESSERA_USER_LINK_FLAGS} --no-gc-sections
    --defsym=main=0 ${libc})
  target_link_libraries(library-whole PRIVATE --whole-archive tessera --no-whole-archive)
endif()
