// SPDX-License-Identifier: MIT
// Between the parts of the boot code.
#pragma once

#include <arch/boot.h>

// The first C code, on the boot stack, in the boot page tables; `information` is the loader's
// structure, below 4 GiB; `counter` the time stamp counter at the kernel's first instruction.
_Noreturn void machine_main(paddr_t information, uint64_t counter);

// Fills boot_info from the loader's structure. Whatever is not valid is left out, with a log line.
void multiboot_read(paddr_t information);

// boot_info.ranges: adds a range as the firmware gave it, then sorts out order and overlaps.
void boot_range_add(paddr_t base, uint64_t size, enum boot_memory_kind kind);
void boot_range_normalise(void);

// Makes the list of free memory from boot_info.
void boot_memory_init(void);

// Whether boot_memory_iterate() has not been called yet.
bool boot_memory_active(void);

// A page below 1 MiB for the start of further CPUs; 0: there is none.
paddr_t boot_low_page(void);
