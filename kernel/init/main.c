// SPDX-License-Identifier: MIT
// The generic kernel's first function, on the first CPU.
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/hooks.h>
#include <arch/smp.h>
#include <cpu.h>
#include <init/selftest.h>
#include <log.h>
#include <panic.h>
#include <string.h>

static _Noreturn void idle(void)
{
    for (;;) {
        arch_cpu_idle();
    }
}

static void panic_test(void)
{
    char value[8];
    if (!boot_option("panic", value, sizeof(value))) {
        return;
    }
    if (!strcmp(value, "test")) {
        panic("asked for on the command line");
    }
    if (!strcmp(value, "fault")) {
        *(volatile uint32_t *)8 = 0;
    }
}

_Noreturn void kernel_main(void)
{
    arch_irq_enable();
    arch_smp_start();
    log_info("boot: up after %lu us", (unsigned long)clock_now() / 1000);
    panic_test();
    char value[2];
    if (boot_option("selftest", value, sizeof(value))) {
        selftest_run();
    }
    arch_irq_disable();
    idle();
}

_Noreturn void kernel_cpu_main(void)
{
    log_info("cpu %u: online", cpu_current()->id);
    idle();
}
