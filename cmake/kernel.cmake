# SPDX-License-Identifier: MIT
# The kernel image. It is linked three times, since it carries a table of its own symbols for
# panics: without the table; with one of the final size; with the final addresses, which
# tools/mksymbols.py then compares with the image.
set(kernel_script ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/boot/kernel.ld)

file(GLOB_RECURSE kernel_sources CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/kernel/*.c ${CMAKE_SOURCE_DIR}/ipc/format/*.c
     ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/*.[cS])
list(FILTER kernel_sources EXCLUDE REGEX "/arch/${TESSERA_ARCH}/user/")

set(symbols_tool ${CMAKE_SOURCE_DIR}/tools/mksymbols.py)

function(tessera_kernel_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_compile_options(${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:${TESSERA_KERNEL_FLAGS}>"
    "$<$<COMPILE_LANGUAGE:ASM>:-g;-ffreestanding;${TESSERA_KERNEL_MACHINE};-fno-pic;$<$<CONFIG:Debug>:-DTS_DEBUG=1>;-Wno-unused-command-line-argument>")
  target_include_directories(${name} PRIVATE ${TESSERA_KERNEL_INCLUDES})
endfunction()

# tessera_kernel_pass(NAME FILE [symbols assembly] OBJECTS…): one link of the image.
function(tessera_kernel_pass name)
  cmake_parse_arguments(K "" "SYMBOLS" "OBJECTS" ${ARGN})
  add_executable(${name} ${K_SYMBOLS})
  foreach(objects ${K_OBJECTS})
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C LINK_DEPENDS ${kernel_script})
  target_link_options(${name} PRIVATE
    -nostdlib -static --build-id=none -zmax-page-size=4096 -znoexecstack --gc-sections
    -T ${kernel_script})
endfunction()

# tessera_kernel(NAME objects…): the image NAME.elf with its symbol table.
function(tessera_kernel name)
  set(dir ${CMAKE_BINARY_DIR}/kernel)
  file(MAKE_DIRECTORY ${dir})
  tessera_kernel_pass(${name}.pass1 OBJECTS ${ARGN})
  set(previous ${name}.pass1)
  foreach(pass 2 3)
    set(table ${dir}/${name}.symbols${pass}.S)
    add_custom_command(OUTPUT ${table}
      COMMAND ${symbols_tool} generate $<TARGET_FILE:${previous}> ${table}
      DEPENDS ${previous} ${symbols_tool} VERBATIM)
    set(target ${name}.pass${pass})
    if(pass EQUAL 3)
      set(target ${name}.elf)
    endif()
    tessera_kernel_pass(${target} SYMBOLS ${table} OBJECTS ${ARGN})
    set(previous ${target})
  endforeach()
  add_custom_command(TARGET ${name}.elf POST_BUILD
    COMMAND ${symbols_tool} verify $<TARGET_FILE:${name}.elf> ${table}
    COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:${name}.elf> ${dir}/${name}.stripped
    BYPRODUCTS ${dir}/${name}.stripped VERBATIM)
endfunction()

tessera_kernel_objects(kernel-objects ${kernel_sources})
tessera_kernel(kernel kernel-objects)

# The machine layer by itself: tests/machine stands in for the generic kernel.
file(GLOB_RECURSE machine_sources CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/*.[cS] ${CMAKE_SOURCE_DIR}/kernel/base/*.c
     ${CMAKE_SOURCE_DIR}/kernel/debug/*.c ${CMAKE_SOURCE_DIR}/ipc/format/*.c
     ${CMAKE_SOURCE_DIR}/tests/machine/*.[cS])
list(FILTER machine_sources EXCLUDE REGEX "/arch/${TESSERA_ARCH}/user/")
tessera_kernel_objects(machine-test-objects ${machine_sources})
tessera_kernel(machine-test machine-test-objects)
