// SPDX-License-Identifier: MIT
// The end of the machine.
#pragma once

#include "service.h"

extern const struct service_events power_events;

void power_begin(bool restart, int32_t status);
