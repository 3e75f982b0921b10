// SPDX-License-Identifier: MIT
// Inline access to user memory: single instructions with an entry in the exception table, inside
// of a window in which supervisor access to user pages is allowed (SMAP).
#pragma once

#include <arch/types.h>
#include <machine/patch.h>

// STAC and CLAC where the CPU has them.
static inline void user_access_begin(void)
{
    __asm__ volatile(PATCH_PLACE("smap", "0x0f, 0x01, 0xcb") : : : "memory", "cc");
}

static inline void user_access_end(void)
{
    __asm__ volatile(PATCH_PLACE("smap", "0x0f, 0x01, 0xca") : : : "memory", "cc");
}

// The fault handler finds `from` in this table and goes on at `to`.
#define USER_FIXUP(from, to)         \
    ".pushsection .extable, \"a\"\n" \
    ".quad " from ", " to "\n"       \
    ".popsection\n"

#define USER_READ(instruction, value, address, fault)                          \
    __asm__ goto("772: " instruction "\n" USER_FIXUP("772b", "%l[" #fault "]") \
                 : "=r"(value)                                                 \
                 : [at] "r"(address)                                           \
                 : "memory"                                                    \
                 : fault)

#define USER_WRITE(instruction, address, value, fault)                         \
    __asm__ goto("772: " instruction "\n" USER_FIXUP("772b", "%l[" #fault "]") \
                 :                                                             \
                 : [at] "r"(address), [v] "r"(value)                           \
                 : "memory"                                                    \
                 : fault)

#define user_read_u8(value, address, fault)  USER_READ("movb (%[at]), %b0", value, address, fault)
#define user_read_u32(value, address, fault) USER_READ("movl (%[at]), %k0", value, address, fault)
#define user_read_u64(value, address, fault) USER_READ("movq (%[at]), %q0", value, address, fault)
#define user_write_u8(address, value, fault) \
    USER_WRITE("movb %b[v], (%[at])", address, value, fault)
#define user_write_u32(address, value, fault) \
    USER_WRITE("movl %k[v], (%[at])", address, value, fault)
#define user_write_u64(address, value, fault) \
    USER_WRITE("movq %q[v], (%[at])", address, value, fault)
