// SPDX-License-Identifier: MIT
// The generic kernel's first function, on the first CPU.
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/hooks.h>
#include <arch/smp.h>
#include <cpu.h>
#include <debug/screen.h>
#include <init/start.h>
#include <log.h>
#include <panic.h>

// Panics on purpose, to see that one says what it should.
static void panic_test(void)
{
    if (boot_option_word("panic=test")) {
        panic("asked for on the command line");
    }
    if (boot_option_word("panic=fault")) {
        *(volatile uint32_t *)8 = 0;
    }
}

void kernel_early(void)
{
    screen_init(&boot_info.framebuffer);
}

_Noreturn void kernel_main(void)
{
    arch_irq_enable();
    arch_smp_start();
    log_info("boot: up after %lu us", (unsigned long)clock_now() / 1000);
    panic_test();
    kernel_start();
}

_Noreturn void kernel_cpu_main(void)
{
    log_info("cpu %u: online", cpu_current()->id);
    kernel_cpu_start();
}
