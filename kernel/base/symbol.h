// SPDX-License-Identifier: MIT
// Names of kernel functions, from the table that tools/mksymbols.py puts into the image.
#pragma once

#include <arch/types.h>

// The function that an address lies in, and the offset in it; NULL when there is none (or the
// image has no table). Any context.
const char *symbol_find(vaddr_t address, uint64_t *out_offset);
