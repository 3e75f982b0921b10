# SPDX-License-Identifier: MIT
# The SDK, <build>/sdk: compiler driver, headers and libraries for programs from outside the tree.
set(sdk ${CMAKE_BINARY_DIR}/sdk)
set(sdk_libraries
    $<TARGET_FILE:posix> $<TARGET_FILE:tessera> ${TESSERA_NEWLIB}/lib/libc-posix.a
    ${TESSERA_NEWLIB}/lib/libc.a ${TESSERA_NEWLIB}/lib/libm.a)
file(GLOB_RECURSE sdk_headers CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/compat/newlib/include/*.h ${CMAKE_SOURCE_DIR}/ipc/*.h
     ${CMAKE_SOURCE_DIR}/ipc/*.def)

set(sdk_tool ${CMAKE_SOURCE_DIR}/tools/mksdk)
add_custom_command(OUTPUT ${sdk}/.stamp
  COMMAND ${sdk_tool} ${sdk} --arch ${TESSERA_ARCH} --newlib ${TESSERA_NEWLIB} --crt0 $<TARGET_OBJECTS:crt0>
          --builtins ${TESSERA_BUILTINS} ${sdk_libraries}
  COMMAND ${CMAKE_COMMAND} -E touch ${sdk}/.stamp
  DEPENDS ${sdk_tool} posix tessera crt0 newlib ${sdk_headers} $<TARGET_OBJECTS:crt0>
          ${CMAKE_SOURCE_DIR}/arch/${TESSERA_ARCH}/machine.cmake
          ${CMAKE_SOURCE_DIR}/compat/sdk/tessera-cc ${CMAKE_SOURCE_DIR}/compat/sdk/tessera.cmake
          ${TESSERA_NEWLIB}/lib/libc.a
  COMMENT "sdk" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(sdk DEPENDS ${sdk}/.stamp)
