// SPDX-License-Identifier: MIT
// Making a function quiet: no DMA, no interrupts, and known to be so.
#pragma once

#include "device.h"

// From HELD. Returns at once; goes on by a timer. In the end the device is FREE when its driver is
// gone, HELD when it asked for a reset (which is answered), or STUCK.
void quiet_start(struct device *device);
