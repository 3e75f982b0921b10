// SPDX-License-Identifier: MIT
// Services that run for each of some things: which things there are, and an instance for each.
#pragma once

#include "service.h"

extern const struct service_events instance_events;

// A kind that waits for nothing more: looks for its things, one kind after another. It leaves
// WAITING when that is done.
void instance_find(struct service *kind);
