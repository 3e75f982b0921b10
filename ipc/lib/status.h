// SPDX-License-Identifier: MIT
// Statuses: 0 or a negative TS_ERR_*; all functions of this library return them.
#pragma once

#include <tessera/abi/status.h>
#include <tessera/abi/types.h>

// "ERR_NOT_FOUND" for TS_ERR_NOT_FOUND; "ERR_UNKNOWN" for a number without a name.
const char *ts_status_name(ts_status_t status);

// The line of status.def that explains it, in English, for messages to people.
const char *ts_status_text(ts_status_t status);
