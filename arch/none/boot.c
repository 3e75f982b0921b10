// SPDX-License-Identifier: MIT
// A machine whose firmware says nothing: no memory, no boot archive, no options.
#include <arch/boot.h>

#include <arch/cpu.h>
#include <arch/hooks.h>

struct boot_info boot_info;

_Noreturn void none_start(void);

// The first function: the image's entry (boot/kernel.ld).
_Noreturn void none_start(void)
{
    kernel_main();
}

void arch_firmware_describe(struct ts_firmware *out_firmware)
{
    *out_firmware = (struct ts_firmware){0};
}

bool boot_option(const char *name, char *out, size_t size)
{
    if (size > 0) {
        out[0] = '\0';
    }
    return false;
}

bool boot_option_word(const char *word)
{
    return false;
}

uint64_t boot_option_number(const char *name, uint64_t fallback)
{
    return fallback;
}

paddr_t boot_page_alloc(uint64_t bytes, uint64_t align)
{
    arch_cpu_halt();
}

void boot_memory_iterate(void (*take)(paddr_t base, uint64_t size, void *context), void *context)
{}
