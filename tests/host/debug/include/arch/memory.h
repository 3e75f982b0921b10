// SPDX-License-Identifier: MIT
// The kernel's window is the test's; its image is where a host has nothing.
#pragma once

#include <arch/types.h>

extern uint64_t window_base, window_end;

#define KERNEL_WINDOW_BASE window_base
#define KERNEL_WINDOW_END  window_end
#define KERNEL_IMAGE_BASE  UINT64_C(0xffffffff80000000)
