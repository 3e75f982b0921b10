# SPDX-License-Identifier: MIT
# The site that the image serves when no other tree is given: TESSERA_SITE is its folder,
# TESSERA_SITE_STAMP what depends on everything in it.
set(TESSERA_SITE ${CMAKE_BINARY_DIR}/www)
set(TESSERA_SITE_STAMP ${CMAKE_BINARY_DIR}/www.stamp)
set(site_tool ${CMAKE_SOURCE_DIR}/tools/mksite.py)
file(GLOB_RECURSE site_inputs CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/apps/site/* ${CMAKE_SOURCE_DIR}/docs/*.md ${CMAKE_SOURCE_DIR}/docs/*.svg)
list(APPEND site_inputs ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md)
add_custom_command(OUTPUT ${TESSERA_SITE_STAMP}
  COMMAND ${site_tool} --site ${CMAKE_SOURCE_DIR}/apps/site
          --docs ${CMAKE_SOURCE_DIR}/docs -o ${TESSERA_SITE}
  COMMAND ${CMAKE_COMMAND} -E touch ${TESSERA_SITE_STAMP}
  DEPENDS ${site_tool} ${site_inputs} COMMENT "site" VERBATIM)
