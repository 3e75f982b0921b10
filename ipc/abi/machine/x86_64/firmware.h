// SPDX-License-Identifier: MIT
// What firmware says that only programs for this machine understand; part of the boot information.
#pragma once

#include <stdint.h>

struct ts_firmware {
    uint64_t acpi_root; // physical address of ACPI's root pointer, 0 = none
    uint64_t ecam_base; // memory-mapped PCI configuration, first segment; 0 = none
    uint32_t ecam_bus_first, ecam_bus_last;
    uint32_t no_i8042; // 1: ACPI says that there is no controller of a PS/2 keyboard; 0: look
    uint32_t reserved;
};
_Static_assert(sizeof(struct ts_firmware) == 32, "firmware");
