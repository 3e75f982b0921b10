// SPDX-License-Identifier: MIT
// Addresses that can be mapped for programs: from TS_USER_BASE up to, without, TS_USER_END.
#pragma once

#include <stdint.h>

#define TS_USER_BASE UINT64_C(0x0000000000010000)
#define TS_USER_END  UINT64_C(0x00007ffffffff000)
