# SPDX-License-Identifier: MIT
# Boot archives and ISO images: `archive` and `iso` are what users boot, `archive-test` and
# `iso-test` hold the test and bench programs besides.
set(archive_tool ${CMAKE_SOURCE_DIR}/tools/mkarchive.py)
set(iso_tool ${CMAKE_SOURCE_DIR}/tools/mkiso.py)

set(TESSERA_ONLY "" CACHE STRING
    "Targets of the programs that go into the archives, instead of all: srv-init;cmd-sh;…")

# tessera_archive(NAME KINDS kinds… ENTRIES path=file…): <build>/NAME.img of programs and files.
function(tessera_archive name)
  cmake_parse_arguments(A "" "" "KINDS;ENTRIES;DEPENDS" ${ARGN})
  get_property(programs GLOBAL PROPERTY TESSERA_PROGRAMS)
  set(lines ${A_ENTRIES})
  set(files)
  foreach(program ${programs})
    get_target_property(kind ${program} TESSERA_KIND)
    if(kind IN_LIST A_KINDS AND (NOT TESSERA_ONLY OR program IN_LIST TESSERA_ONLY))
      get_target_property(file ${program} TESSERA_FILE)
      get_target_property(paths ${program} TESSERA_PATH)
      foreach(path ${paths})
        list(APPEND lines "${path}=${file}")
      endforeach()
      list(APPEND files ${program} ${file})
    endif()
  endforeach()
  string(REPLACE ";" "\n" lines "${lines}")
  set(list ${CMAKE_BINARY_DIR}/${name}.list)
  file(GENERATE OUTPUT ${list} CONTENT "${lines}\n")
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${name}.img
    COMMAND ${archive_tool} -o ${CMAKE_BINARY_DIR}/${name}.img @${list}
    DEPENDS ${files} ${A_DEPENDS} ${list} ${archive_tool} VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${CMAKE_BINARY_DIR}/${name}.img)
endfunction()

# tessera_iso(NAME KERNEL target ARCHIVE name): <build>/NAME.iso.
function(tessera_iso name)
  cmake_parse_arguments(I "" "KERNEL;ARCHIVE;APPEND;OUTPUT" "" ${ARGN})
  set(kernel ${CMAKE_BINARY_DIR}/kernel/${I_KERNEL}.stripped)
  set(archive ${CMAKE_BINARY_DIR}/${I_ARCHIVE}.img)
  set(out ${CMAKE_BINARY_DIR}/${I_OUTPUT}.iso)
  add_custom_command(OUTPUT ${out}
    COMMAND ${iso_tool} -o ${out} --kernel ${kernel} --archive ${archive} --append "${I_APPEND}"
    DEPENDS ${I_KERNEL}.elf ${kernel} ${archive} ${iso_tool}
            ${CMAKE_SOURCE_DIR}/iso/boot/grub/grub.cfg VERBATIM)
  add_custom_target(${name} DEPENDS ${out})
endfunction()

file(GLOB_RECURSE etc CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/iso/etc/*)
include(cmake/site.cmake)
# init's configuration has what the drivers' folders say.
set(conf ${CMAKE_BINARY_DIR}/init.conf)
set(conf_tool ${CMAKE_SOURCE_DIR}/tools/mkconf.py)
file(GLOB manifests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/drivers/*/*/service.conf)
add_custom_command(OUTPUT ${conf} COMMAND ${conf_tool} -o ${conf}
                   DEPENDS ${conf_tool} ${etc} ${manifests} VERBATIM)
# Layouts of keyboards, from the packages xkb-data and libx11-data.
set(keymaps ${CMAKE_BINARY_DIR}/keymaps)
set(keymap_tool ${CMAKE_SOURCE_DIR}/tools/mkkeymap.py)
add_custom_command(OUTPUT ${keymaps}/compose COMMAND ${keymap_tool} -o ${keymaps}
                   DEPENDS ${keymap_tool} VERBATIM)
set(entries etc=${CMAKE_SOURCE_DIR}/iso/etc etc/init.conf=${conf} etc/keymaps=${keymaps}
            www=${TESSERA_SITE})
set(made ${etc} ${conf} ${keymaps}/compose ${TESSERA_SITE_STAMP})
tessera_archive(archive KINDS srv cmd driver ENTRIES ${entries} DEPENDS ${made})
tessera_archive(archive-test KINDS srv cmd driver test bench ENTRIES ${entries} DEPENDS ${made})

tessera_iso(iso KERNEL kernel ARCHIVE archive OUTPUT tessera)
tessera_iso(iso-test KERNEL kernel ARCHIVE archive-test OUTPUT tessera-test)
tessera_iso(iso-machine-test KERNEL machine-test ARCHIVE archive APPEND panic=exit
            OUTPUT tessera-machine-test)
