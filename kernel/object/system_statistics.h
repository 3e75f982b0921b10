// SPDX-License-Identifier: MIT
// What the kernel knows of the machine and of itself, for the root job's property.
#pragma once

#include <tessera/abi/object.h>

// Preemptible. The debug kernel also writes to its log where the longest sections were.
void system_statistics_get(struct ts_system_statistics *out_statistics);
