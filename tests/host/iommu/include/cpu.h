// SPDX-License-Identifier: MIT
// A CPU of the test's, as far as interrupts are sent to it.
#pragma once

#include <arch/types.h>

struct cpu {
    struct {
        uint32_t apic_id;
    } arch;
};
