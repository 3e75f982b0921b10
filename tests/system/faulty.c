// SPDX-License-Identifier: MIT
// faulty MANNER: does what ends a program.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) void write_to_nowhere(void)
{
    *(volatile int *)16 = 1;
}

static __attribute__((noinline)) void jump_to_data(void)
{
    static unsigned char code[] = {0xc3};
    ((void (*)(void))(uintptr_t)code)();
}

static __attribute__((noinline)) void write_to_text(void)
{
    *(volatile char *)(uintptr_t)write_to_nowhere = 0;
}

static __attribute__((noinline)) void divide_by_zero(void)
{
    volatile int one = 1, zero = 0;
    one = one / zero;
}

static __attribute__((noinline)) int use_up_the_stack(int depth)
{
    volatile char room[4096] = {(char)depth};
    return depth < 1000000 ? use_up_the_stack(depth + 1) + room[0] : room[0];
}

int main(int argc, char **argv)
{
    const char *manner = argc > 1 ? argv[1] : "";
    if (!strcmp(manner, "write")) {
        write_to_nowhere();
    } else if (!strcmp(manner, "jump")) {
        jump_to_data();
    } else if (!strcmp(manner, "text")) {
        write_to_text();
    } else if (!strcmp(manner, "divide")) {
        divide_by_zero();
    } else if (!strcmp(manner, "illegal")) {
        __builtin_trap();
    } else if (!strcmp(manner, "privileged")) {
        __asm__ volatile("cli");
    } else if (!strcmp(manner, "stack")) {
        return use_up_the_stack(0);
    } else if (!strcmp(manner, "abort")) {
        abort();
    }
    printf("nothing happened\n");
    return 0;
}
