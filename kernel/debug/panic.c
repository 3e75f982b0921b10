// SPDX-License-Identifier: MIT
// Panic: everything here works without locks, memory or interrupts, and a second panic inside of
// the first ends at once.
#include <panic.h>

#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/smp.h>
#include <cpu.h>
#include <debug/screen.h>
#include <tessera/format/text.h>
#include <base/symbol.h>
#include <log.h>

#define BACKTRACE_MAX 24
#define SERIAL_LOOKS  2000000u

static _Atomic uint32_t panic_cpu; // id + 1 of the CPU that panicked first

bool panic_active(void)
{
    return atomic_load_explicit(&panic_cpu, memory_order_relaxed);
}

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A line that takes nothing is looked at for some seconds in all: nobody can be told later.
static void print_serial(const char *text, size_t length)
{
    static unsigned looks = SERIAL_LOOKS;
    while (length > 0 && looks > 0) {
        size_t done = arch_serial_write(text, length);
        text += done;
        length -= done;
        looks -= length > 0;
    }
}

static void print(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    size_t length = ts_format_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    print_serial(text, length);
    screen_write(text, length);
}

static void print_backtrace(const struct arch_frame *frame)
{
    uint64_t addresses[BACKTRACE_MAX];
    unsigned count = arch_backtrace(frame, addresses, BACKTRACE_MAX);
    for (unsigned i = 0; i < count; i++) {
        uint64_t offset = 0;
        // A return address may lie behind the last instruction of its function.
        const char *name = symbol_find(addresses[i] - (i || frame == NULL), &offset);
        print("  %016lx %s+%#lx\n", addresses[i], name != NULL ? name : "?", offset);
    }
}

// The compiler calls it at the end of a function whose canary has changed.
_Noreturn void __stack_chk_fail(void);

static _Noreturn void panic_say(const struct arch_frame *frame, const char *format,
                                va_list arguments)
{
    arch_irq_disable();
    uint32_t self = cpu_current()->id + 1, none = 0;
    if (!atomic_compare_exchange_strong(&panic_cpu, &none, self)) {
        if (none == self) {
            print("\npanic: another one inside\n");
            arch_panic_end();
        }
        arch_stop_here();
    }
    arch_stop_others();
    arch_serial_init(); // it may have been a driver's
    screen_panic();
    char text[240];
    ts_format_v(text, sizeof(text), format, arguments);
    print("\npanic on CPU %u: %s\n", self - 1, text);
    if (frame != NULL) {
        arch_frame_print(frame, print);
    }
    print_backtrace(frame);
    print("panic: end\n");
    arch_panic_end();
}

_Noreturn void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    panic_say(NULL, format, arguments);
}

_Noreturn void panic_frame(const struct arch_frame *frame, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    panic_say(frame, format, arguments);
}

_Noreturn void cannot_run(const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    ts_format_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_error("tessera: %s; it cannot run here", text);
    arch_panic_end();
}

_Noreturn void __stack_chk_fail(void)
{
    uint64_t offset, at = (uint64_t)__builtin_return_address(0) - 1;
    const char *name = symbol_find(at, &offset);
    panic("%s wrote over the end of its frame", name != NULL ? name : "a function");
}
