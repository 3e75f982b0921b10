// SPDX-License-Identifier: MIT
// The runner: kernel_main() of this image.
#include "test.h"

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <tessera/format/text.h>
#include <debug/screen.h>
#include <panic.h>
#include <tessera/abi/status.h>

static const struct {
    const char *name;
    void (*run)(void);
    uint32_t cpus; // needed
} tests[] = {
    {"string", test_string, 1},
    {"format", test_format, 1},
    {"log", test_log, 1},
    {"clock", test_clock, 1},
    {"timer", test_timer, 1},
    {"interrupts", test_interrupts, 1},
    {"map", test_map, 1},
    {"map_refusals", test_map_refusals, 1},
    {"range", test_range, 1},
    {"space_tables", test_space_tables, 1},
    {"copy", test_copy, 1},
    {"copy_faults", test_copy_faults, 1},
    {"copy_resolved", test_copy_resolved, 1},
    {"switch", test_switch, 1},
    {"resume", test_resume, 1},
    {"preempt", test_preempt, 1},
    {"migrate", test_migrate, 2},
    {"stack_reuse", test_stack_reuse, 1},
    {"flush", test_flush, 2},
    {"leave_space", test_leave_space, 2},
    {"quiesce", test_quiesce, 2},
    {"spinlock", test_spinlock, 2},
    {"user_call", test_user_call, 1},
    {"user_registers", test_user_registers, 1},
    {"user_start_registers", test_user_start_registers, 1},
    {"user_exceptions", test_user_exceptions, 1},
    {"user_step", test_user_step, 1},
    {"user_preempted_vectors", test_user_preempted_vectors, 1},
    {"rule_m07_user_vectors_cleared", test_rule_m07_user_vectors_cleared, 1},
    {"rule_m07_user_selectors_cleared", test_rule_m07_user_selectors_cleared, 1},
    {"rule_m07_user_x87_pointers_cleared", test_rule_m07_user_x87_pointers_cleared, 1},
    {"user_thread_pointer", test_user_thread_pointer, 1},
    {"user_bad_frames", test_user_bad_frames, 1},
    {"user_nmi", test_user_nmi, 2},
};
#define TEST_COUNT (sizeof(tests) / sizeof(tests[0]))

struct arch_thread test_thread;
static bool failed;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    size_t length = ts_format_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (size_t done = 0; done < length;) {
        done += arch_serial_write(text + done, length - done);
    }
}

void test_fail(const char *file, int line, const char *what)
{
    failed = true;
    say("# %s:%d: %s\n", file, line, what);
}

// Work for the other CPUs.
static struct {
    void (*_Atomic function)(void *argument);
    void *argument;
} work[CPU_MAX];

void test_run_on(uint32_t cpu, void (*function)(void *argument), void *argument)
{
    work[cpu].argument = argument;
    work[cpu].function = function;
}

void test_join(uint32_t cpu)
{
    while (work[cpu].function) {
        arch_cpu_relax();
        if (!arch_irq_enabled()) {
            arch_smp_serve();
        }
    }
}

void test_forget(uint32_t cpu)
{
    work[cpu].function = NULL;
}

_Noreturn void kernel_cpu_main(void)
{
    uint32_t id = cpu_current()->id;
    arch_irq_enable();
    for (;;) {
        void (*function)(void *argument) = work[id].function;
        if (function != NULL) {
            function(work[id].argument);
            work[id].function = NULL;
        }
        arch_cpu_relax();
    }
}

static void run_tests(void)
{
    arch_irq_enable();
    uint32_t cpus = arch_smp_start();
    uint32_t bad = 0;
    if (boot_option_word("panic=test")) {
        panic("asked for on the command line");
    }
    say("1..%lu\n", TEST_COUNT);
    for (uint32_t i = 0; i < TEST_COUNT; i++) {
        if (tests[i].cpus > cpus) {
            say("ok %u - %s # skip needs %u CPUs\n", i + 1, tests[i].name, tests[i].cpus);
            continue;
        }
        failed = false;
        tests[i].run();
        KREQUIRE(arch_irq_enabled());
        bad += failed;
        say("%sok %u - %s\n", failed ? "not " : "", i + 1, tests[i].name);
    }
    arch_power_off(bad ? 1 : 0);
}

void kernel_early(void)
{
    screen_init(&boot_info.framebuffer);
}

_Noreturn void kernel_main(void)
{
    // The boot stack is the one on which this CPU changes threads: leave it for a thread's.
    vaddr_t top;
    hooks_init();
    KREQUIRE(arch_stack_create(&top) == TS_OK);
    arch_thread_init(&test_thread, top, NULL, NULL, run_tests);
    arch_thread_resume(&test_thread);
}
