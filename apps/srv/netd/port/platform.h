// SPDX-License-Identifier: MIT
// What lwIP asks of the system, and what it is given to start with.
#pragma once

#include <tessera/lib/status.h>

// Fetches the secrets; before lwip_init. TS_ERR_NOT_FOUND: there is no handle "random".
TS_MUST_USE ts_status_t platform_init(void);
