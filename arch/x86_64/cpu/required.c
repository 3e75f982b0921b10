// SPDX-License-Identifier: MIT
// What a processor must have. All 64-bit ones do, but an emulator can be told to leave any of it
// out. (start.S has looked at long mode and no-execute pages, without which this file does not
// run.)
#include <machine/features.h>

#include <machine/x86.h>
#include <tessera/format/text.h>

static const struct {
    const char *name;
    uint32_t leaf; // of CPUID
    uint8_t bit;   // of EDX
} required[] = {
    {"fpu", 1, 0},          {"tsc", 1, 4},          {"msr", 1, 5},
    {"pae", 1, 6},          {"mce", 1, 7},          {"cx8", 1, 8},
    {"apic", 1, 9},         {"sep", 1, 11},         {"cmov", 1, 15},
    {"fxsr", 1, 24},        {"sse", 1, 25},         {"sse2", 1, 26},
    {"lm", 0x80000001, 29}, {"nx", 0x80000001, 20}, {"syscall", 0x80000001, 11},
};

const char *features_lacking(void)
{
    static char names[128];
    size_t length = 0;
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!(x86_cpuid(required[i].leaf, 0).edx >> required[i].bit & 1)) {
            length += ts_format(names + length, sizeof(names) - length, "%s%s",
                                length > 0 ? ", " : "", required[i].name);
        }
    }
    return names;
}
