# SPDX-License-Identifier: MIT
# Third-party code: fetched, unpacked and patched under TESSERA_THIRD_PARTY, never in the tree.
# cmake/sources.lock pins each source; tools/third-party does the work and knows when there is
# none, so that the stamps here only say "look again".
set(TESSERA_NEWLIB ${TESSERA_THIRD_PARTY}/newlib)
set(third_party_tool ${CMAKE_SOURCE_DIR}/tools/third-party)

# newlib is built when the first program needs it.
set(newlib_stamp ${CMAKE_BINARY_DIR}/newlib.stamp)
file(GLOB_RECURSE newlib_inputs CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/compat/newlib/include/*.h ${CMAKE_SOURCE_DIR}/compat/patches/*.patch)
add_custom_command(OUTPUT ${newlib_stamp}
  BYPRODUCTS ${TESSERA_NEWLIB}/lib/libc.a ${TESSERA_NEWLIB}/lib/libm.a
             ${TESSERA_NEWLIB}/lib/libc-posix.a
  COMMAND ${third_party_tool} newlib --into ${TESSERA_THIRD_PARTY}
  COMMAND ${CMAKE_COMMAND} -E touch ${newlib_stamp}
  DEPENDS ${third_party_tool} ${CMAKE_SOURCE_DIR}/cmake/sources.lock
          ${CMAKE_SOURCE_DIR}/compat/newlib/posix-sources.txt ${newlib_inputs}
  COMMENT "third party: newlib" USES_TERMINAL VERBATIM)
add_custom_target(newlib DEPENDS ${newlib_stamp})

# tessera_source(NAME OUT): unpacks a source now, at configure time, so that its files can be
# listed as those of a target; OUT becomes its folder.
function(tessera_source name out)
  execute_process(COMMAND ${third_party_tool} ${name} --into ${TESSERA_THIRD_PARTY}
                  RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "third-party source ${name} could not be had")
  endif()
  file(GLOB patches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/compat/patches/${name}/*.patch)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${CMAKE_SOURCE_DIR}/cmake/sources.lock ${patches})
  set(${out} ${TESSERA_THIRD_PARTY}/${name} PARENT_SCOPE)
endfunction()

tessera_source(lwip TESSERA_LWIP)
