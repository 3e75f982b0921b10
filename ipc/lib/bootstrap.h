// SPDX-License-Identifier: MIT
// What the process was started with: arguments, environment and its table of named handles.
#pragma once

#include <stdbool.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/status.h>

// Called by the start-up code with the address that the first thread got, before anything else of
// this library. Checks the block, maps the clock. TS_ERR_CORRUPT, TS_ERR_VERSION: not usable.
TS_MUST_USE ts_status_t ts_bootstrap_init(const struct ts_bootstrap *block);

// The block itself, NULL before init.
const struct ts_bootstrap *ts_bootstrap_block(void);

// The handle named so, TS_HANDLE_NONE when the process was not given one. Not to be closed.
ts_handle_t ts_named_handle(const char *name);

// All of them by index, to pass them on: false at the end.
bool ts_named_handle_at(uint32_t index, const char **out_name, ts_handle_t *out_handle);

uint32_t ts_argument_count(void);
const char *ts_argument(uint32_t index);    // NULL beyond the last
const char *ts_environment(uint32_t index); // "NAME=value"; NULL beyond the last
const char *ts_environment_get(const char *name);
