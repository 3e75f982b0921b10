# SPDX-License-Identifier: MIT
# What build and tools have to know of the machine: see arch/x86_64/machine.cmake.

# A processor that no other folder is for: its compiler knows none of their instructions, registers
# and attributes.
set(TESSERA_TRIPLE riscv64-unknown-elf)
set(TESSERA_KERNEL_MACHINE -march=rv64imac -mabi=lp64 -mcmodel=medany -Wno-unused-parameter)
set(TESSERA_USER_MACHINE -march=rv64imac -mabi=lp64 -Wno-unused-parameter)
set(TESSERA_KERNEL_CANARY -fno-stack-protector)
set(TESSERA_USER_CANARY -fno-stack-protector)

# There is no libc for it: of user code the library alone is built, which needs these of one.
set(TESSERA_LIBC_NEEDED memchr memcmp memcpy memmove memset strcmp strcspn strlen strncmp)
