// SPDX-License-Identifier: MIT
// Writes where it must not, three calls down.
#include <stdlib.h>

static volatile int *nowhere = (volatile int *)16;

__attribute__((noinline)) int lowest(int value)
{
    *nowhere = value;
    return value + 1;
}

__attribute__((noinline)) int middle(int value)
{
    return lowest(value) * 2;
}

int main(int argc, char **argv)
{
    (void)argv;
    return middle(argc) + abs(argc);
}
