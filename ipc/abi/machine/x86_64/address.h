// SPDX-License-Identifier: MIT
// Addresses that can be mapped for programs: from TS_USER_BASE up to, without, TS_USER_END. The
// lowest 64 KiB stay free, so that a null pointer and what is near it faults; so does the last page
// below 2^47, so that a system call cannot return beyond it.
#pragma once

#include <stdint.h>

#define TS_USER_BASE UINT64_C(0x0000000000010000)
#define TS_USER_END  UINT64_C(0x00007ffffffff000)
