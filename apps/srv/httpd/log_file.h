// SPDX-License-Identifier: MIT
// What httpd serves besides pages: a directory with the access log as the file `access.log`, and
// those that were put away (`access.log.1` is the newest): streams of lines. The directory has the
// method RELOAD (config_file.h).
#pragma once

#include <tessera/lib/server.h>

#define LOG_FILE_OBJECTS 32u // open at the same time

extern const struct ts_operations log_file_root;
