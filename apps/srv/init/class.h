// SPDX-License-Identifier: MIT
// A class in a client's hands: a directory of the services of that class.
#pragma once

#include "service.h"

extern const struct service_events class_events;

TS_MUST_USE ts_status_t class_create(const char *name, ts_rights_t rights, ts_handle_t *out_handle);
