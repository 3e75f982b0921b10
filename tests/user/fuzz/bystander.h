// SPDX-License-Identifier: MIT
// Memory that nobody but the tester has a handle to, with a known pattern. Its pages lie between
// pages that are free, which the fuzzed program and the kernel get: what is written beyond the end
// of a page, or through an old pointer, lands here about every second time. Its page tables are
// checked with it, since it is read through them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BYSTANDER_PAGES 4096u

void bystander_begin(void); // fails the test without memory
// Looks at the next `pages` pages, going round. Fails the test at the first that was changed.
void bystander_check(unsigned pages);
void bystander_end(void);
