// SPDX-License-Identifier: MIT
// What httpd serves besides pages: a directory with the access log as the file `access.log`, a
// stream that begins at the oldest line.
#pragma once

#include <tessera/lib/server.h>

#define LOG_FILE_OBJECTS 32u // open at the same time

extern const struct ts_operations log_file_root;
