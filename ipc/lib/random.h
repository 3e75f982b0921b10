// SPDX-License-Identifier: MIT
// Randomness of the kernel's generator.
#pragma once

#include <tessera/lib/op.h>

// Fills the buffer from the process's handle "random". TS_ERR_NOT_FOUND: it was given none.
TS_MUST_USE ts_status_t ts_random_bytes(void *buffer, size_t length);
