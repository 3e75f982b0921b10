// SPDX-License-Identifier: MIT
// Whether services still answer.
#pragma once

#include "service.h"

extern const struct service_events heartbeat_events;
