// SPDX-License-Identifier: MIT
// What a driver does with its device object: operations of a device that is HELD.
#pragma once

#include "device.h"

extern const struct ts_operations device_operations;
