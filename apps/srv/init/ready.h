// SPDX-License-Identifier: MIT
// Where a service hands in its root and its pulse.
#pragma once

#include "service.h"

TS_MUST_USE ts_status_t ready_create(struct service *service, ts_handle_t *out_handle);
