// SPDX-License-Identifier: MIT
// The configuration in force, and its file: read at the start, and again when RELOAD says so
// (ipc/proto/reload.h). An answer holds the one that was in force when it began; a file
// with an error changes nothing.
#pragma once

#include <tessera/lib/server.h>

#include "config/config.h"

// Reads what RELOAD gave to the instance before, else the file that the named handle `config` leads
// to, if there is one. `started` is called when something is in force: of a file with an error,
// what nothing is said in.
TS_MUST_USE ts_status_t config_file_start(void (*started)(void));

// The methods of httpd's directory.
void config_file_call(struct ts_request *request);
void config_file_cancel(struct ts_request *request);

// The one in force, with one more user.
struct config *config_get(void);
void config_put(struct config *config);
