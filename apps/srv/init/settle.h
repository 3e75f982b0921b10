// SPDX-License-Identifier: MIT
// What a service waits for before its start.
#pragma once

#include "service.h"

extern const struct service_events settle_events;

bool settle_done(struct service *service); // true: it can start now
