// SPDX-License-Identifier: MIT
// Starting services.
#pragma once

#include "service.h"

// For the loop, before each wait: starts all that wait for nothing more.
void launch_all(struct ts_loop *loop, void *context);
