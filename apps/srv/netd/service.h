// SPDX-License-Identifier: MIT
// What netd serves: a root, which init holds.
#pragma once

#include <tessera/lib/server.h>

// Its `open` makes sessions.
extern const struct ts_operations root_operations;
