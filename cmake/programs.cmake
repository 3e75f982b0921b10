# SPDX-License-Identifier: MIT
# Programs: the POSIX layer, and the function that declares one.
#
#   tessera_program(NAME [KIND srv|cmd|driver|test|bench] [SOURCES…] [LIBS…] [INCLUDES…]
#                   [DEFINES…] [NATIVE])
#
# SOURCES default to all *.c and *.S of the calling folder. A program is a static PIE; its target
# is KIND-NAME (cmd-ls, srv-init; drv-NAME for drivers), its file <build>/programs/<kind folder>/NAME with a NAME.debug
# that has the debug information, and its place in the boot archive as below. NATIVE programs
# use libtessera alone: no POSIX layer, and what arch/*/user has. The commands are one program.
set(TESSERA_FOLDER_srv /srv)
set(TESSERA_FOLDER_cmd /bin)
set(TESSERA_FOLDER_driver /drv)
set(TESSERA_FOLDER_test /test)
set(TESSERA_FOLDER_bench /bench)

execute_process(
  COMMAND ${CMAKE_C_COMPILER} --target=${TESSERA_BUILTINS_TRIPLE} --rtlib=compiler-rt -print-libgcc-file-name
  OUTPUT_VARIABLE TESSERA_BUILTINS OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT EXISTS "${TESSERA_BUILTINS}")
  message(FATAL_ERROR "compiler-rt is missing: apt-get install libclang-rt-14-dev")
endif()

file(GLOB posix_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/compat/posix/*/*.c ${CMAKE_SOURCE_DIR}/compat/crt/*.c)
tessera_library(posix SOURCES ${posix_sources})
target_include_directories(posix PRIVATE ${CMAKE_SOURCE_DIR}/compat/posix)

define_property(GLOBAL PROPERTY TESSERA_PROGRAMS
  BRIEF_DOCS "targets of programs" FULL_DOCS "every target that tessera_program declared")

function(tessera_program name)
  cmake_parse_arguments(P "NATIVE" "KIND" "SOURCES;LIBS;INCLUDES;DEFINES" ${ARGN})
  if(NOT P_KIND)
    set(P_KIND cmd)
  endif()
  if(NOT DEFINED TESSERA_FOLDER_${P_KIND})
    message(FATAL_ERROR "tessera_program(${name}): unknown KIND ${P_KIND}")
  endif()
  if(NOT P_SOURCES)
    file(GLOB P_SOURCES CONFIGURE_DEPENDS *.c *.S)
  endif()
  set(target ${P_KIND}-${name})
  if(P_KIND STREQUAL "driver")
    set(target drv-${name})
  endif()
  set(folder ${CMAKE_BINARY_DIR}/programs${TESSERA_FOLDER_${P_KIND}})
  add_executable(${target} ${P_SOURCES})
  tessera_user_flags(${target})
  target_compile_definitions(${target} PRIVATE ${P_DEFINES})
  # Servers and drivers are optimised as wholes: a packet goes through many of their files.
  if(P_NATIVE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-flto>)
  endif()
  target_include_directories(${target} PRIVATE ${P_INCLUDES})
  target_link_options(${target} PRIVATE ${TESSERA_USER_LINK_FLAGS})
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:crt0>)
  target_link_libraries(${target} PRIVATE ${P_LIBS})
  if(NOT P_NATIVE)
    target_link_libraries(${target} PRIVATE posix)
  endif()
  # Both stand before libc.a: what they define (setjmp, for one) replaces newlib's.
  target_link_libraries(${target} PRIVATE tessera
    ${TESSERA_NEWLIB}/lib/libc-posix.a
    ${TESSERA_NEWLIB}/lib/libc.a ${TESSERA_NEWLIB}/lib/libm.a ${TESSERA_BUILTINS})
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE C OUTPUT_NAME ${name}.debug RUNTIME_OUTPUT_DIRECTORY ${folder}
    TESSERA_FILE ${folder}/${name} TESSERA_PATH ${TESSERA_FOLDER_${P_KIND}}/${name}
    TESSERA_KIND ${P_KIND})
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} --strip-all ${folder}/${name}.debug ${folder}/${name}
    BYPRODUCTS ${folder}/${name} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY TESSERA_PROGRAMS ${target})
endfunction()

# tessera_programs_of(FOLDER KIND): each *.c in FOLDER is a program; FOLDER/lib/*.c is theirs.
function(tessera_programs_of folder kind)
  set(libs)
  file(GLOB lib CONFIGURE_DEPENDS ${folder}/lib/*.c ${folder}/lib/*.S)
  if(lib)
    tessera_library(${kind}-lib SOURCES ${lib} INCLUDES ${folder}/lib)
    set(libs ${kind}-lib)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    tessera_program(${name} KIND ${kind} SOURCES ${source} LIBS ${libs})
  endforeach()
endfunction()

# Folders that say themselves how they are built.
file(GLOB_RECURSE lists CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
     drivers/CMakeLists.txt apps/CMakeLists.txt tests/user/CMakeLists.txt)
foreach(list ${lists})
  get_filename_component(folder ${list} DIRECTORY)
  add_subdirectory(${folder})
endforeach()

# The commands: each *.c in FOLDER is one, all of them are the program cmd-commands (FOLDER/all), which
# is in /bin by the name of each. FOLDER/lib/*.c is what they share.
function(tessera_commands folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  file(GLOB rest CONFIGURE_DEPENDS ${folder}/all/*.c ${folder}/lib/*.c)
  set(table)
  set(paths)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    set_source_files_properties(${source} PROPERTIES
      COMPILE_DEFINITIONS main=${name}_main
      COMPILE_OPTIONS "-include;${folder}/all/commands.h")
    string(APPEND table "COMMAND(${name})\n")
    list(APPEND paths ${TESSERA_FOLDER_cmd}/${name})
  endforeach()
  set(made ${CMAKE_BINARY_DIR}/commands)
  file(GENERATE OUTPUT ${made}/commands.def CONTENT "${table}")
  tessera_program(commands KIND cmd SOURCES ${sources} ${rest} INCLUDES ${folder}/lib ${made})
  set_target_properties(cmd-commands PROPERTIES TESSERA_PATH "${paths}")
endfunction()

tessera_commands(${CMAKE_SOURCE_DIR}/apps/cmd)
tessera_programs_of(${CMAKE_SOURCE_DIR}/tests/user test)
tessera_programs_of(${CMAKE_SOURCE_DIR}/bench bench)
