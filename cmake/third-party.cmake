# SPDX-License-Identifier: MIT
# Third-party code: fetched, unpacked and patched under TESSERA_THIRD_PARTY, never in the tree.
# cmake/sources.lock pins each source; tools/third-party does the work and knows when there is
# none, so that the stamps here only say "look again".
set(TESSERA_NEWLIB ${TESSERA_THIRD_PARTY}/newlib)
set(third_party_tool ${CMAKE_SOURCE_DIR}/tools/third-party)

# tessera_third_party(NAME OUTPUTS… [DEPENDS…]): the target NAME, after which OUTPUTS exist.
function(tessera_third_party name)
  cmake_parse_arguments(T "" "" "OUTPUTS;DEPENDS" ${ARGN})
  set(stamp ${CMAKE_BINARY_DIR}/${name}.stamp)
  file(GLOB patches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/compat/patches/${name}/*.patch)
  add_custom_command(OUTPUT ${stamp} BYPRODUCTS ${T_OUTPUTS}
    COMMAND ${third_party_tool} ${name} --into ${TESSERA_THIRD_PARTY}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${third_party_tool} ${CMAKE_SOURCE_DIR}/cmake/sources.lock ${patches} ${T_DEPENDS}
    COMMENT "third party: ${name}" USES_TERMINAL VERBATIM)
  add_custom_target(${name} DEPENDS ${stamp})
endfunction()

file(GLOB_RECURSE overlay CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/compat/newlib/include/*.h)
tessera_third_party(newlib
  OUTPUTS ${TESSERA_NEWLIB}/lib/libc.a ${TESSERA_NEWLIB}/lib/libm.a ${TESSERA_NEWLIB}/lib/libc-posix.a
  DEPENDS ${overlay} ${CMAKE_SOURCE_DIR}/compat/newlib/posix-sources.txt)

# Unpacked only: the servers that use these compile what they need.
set(TESSERA_LWIP ${TESSERA_THIRD_PARTY}/lwip)
set(TESSERA_PICOHTTPPARSER ${TESSERA_THIRD_PARTY}/picohttpparser)
