// SPDX-License-Identifier: MIT
// A function for each line of syscall.def, as <tessera/lib/syscall.h> declares them. That header is
// not read here, since each of its functions has arguments of its own.
#define TS_SYSCALL(name, number, ...) \
    void ts_sys_##name(void);         \
    void ts_sys_##name(void)          \
    {                                 \
        __builtin_trap();             \
    }
#include <tessera/abi/syscall.def>
