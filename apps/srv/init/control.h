// SPDX-License-Identifier: MIT
// The control object.
#pragma once

#include <tessera/lib/status.h>

TS_MUST_USE ts_status_t control_create(ts_rights_t rights, ts_handle_t *out_handle);
