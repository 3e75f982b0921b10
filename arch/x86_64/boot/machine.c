// SPDX-License-Identifier: MIT
// The machine's way from the boot code to kernel_main(), on the first CPU.
#include "boot.h"

#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/apic.h>
#include <machine/emulator.h>
#include <machine/features.h>
#include <machine/iommu.h>
#include <machine/paging.h>
#include <machine/start.h>
#include <machine/vector.h>
#include <panic.h>

_Noreturn void machine_main(paddr_t information, uint64_t counter)
{
    boot_info.first_counter = counter;
    start_first_cpu();
    arch_serial_init();
    features_detect();
    patch_apply();
    const char *lacking = features_lacking();
    if (!lacking[0]) {
        features_enable();
    }
    vector_init();
    multiboot_read(information);
    boot_memory_init();
    kernel_map_init();
    kernel_early();
    log_info("Tessera on %s", arch_cpu_name());
    log_info("boot: %lu MiB of RAM, command line \"%s\"",
             (unsigned long)(boot_info.ram_bytes >> 20), boot_info.command_line);
    if (lacking[0]) { // only now is there a screen to say it on
        cannot_run("this processor lacks: %s", lacking);
    }
    acpi_init();
    apic_init();
    iommu_init(&acpi.dmar, &acpi.ivrs);
    io_apic_init();
    clock_init();
    start_prepare();
    kernel_main();
}

_Noreturn void arch_panic_end(void)
{
    if (boot_option_word("panic=exit")) {
        emulator_exit(1);
    }
    arch_cpu_halt();
}
