// SPDX-License-Identifier: MIT
#pragma once

#define KERNEL_STACK_SIZE (4 * PAGE_SIZE)
