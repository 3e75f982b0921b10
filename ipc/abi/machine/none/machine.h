// SPDX-License-Identifier: MIT
// See arch/none. The numbers are those of no machine.
#pragma once

#define TS_MACHINE_NAME "none"

#define TS_ELF_MACHINE  0u
#define TS_ELF_RELATIVE 0u
