# SPDX-License-Identifier: MIT
# What build and tools have to know of the machine. Each line is `set(NAME words…)`, since
# tools/third-party and the SDK's compiler driver read them too (tools/machine.py).

# clang 14 reads a stack canary through a segment register for this triple, but not for
# x86_64-unknown-elf. Nothing else is Linux's: cmake/flags.cmake takes its macros away.
set(TESSERA_TRIPLE x86_64-unknown-linux)

# The kernel's code model; no vector registers, and nothing below the stack pointer.
set(TESSERA_KERNEL_MACHINE -mcmodel=kernel -mno-red-zone -mgeneral-regs-only)

set(TESSERA_USER_MACHINE)

# Where code finds the canary of the thread that runs: in the kernel struct cpu's (CPU_CANARY), in
# programs struct ts_thread_control's.
set(TESSERA_KERNEL_CANARY -mstack-protector-guard=tls -mstack-protector-guard-reg=gs -mstack-protector-guard-offset=56)
set(TESSERA_USER_CANARY -mstack-protector-guard=tls -mstack-protector-guard-reg=fs -mstack-protector-guard-offset=40)

# Of compiler-rt's and newlib's own names.
set(TESSERA_BUILTINS_TRIPLE x86_64-linux-gnu)
set(TESSERA_NEWLIB_HOST x86_64-unknown-elf)
