// SPDX-License-Identifier: MIT
// Canaries of threads. See struct ts_thread_control; stack_check.c has what happens when one has
// changed.
#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/thread.h>

// A permutation of 64 bits under a key that the process alone has: one canary does
// not tell the next.
static uint64_t scramble(uint64_t value, const uint64_t *key)
{
    value ^= key[0];
    value = (value ^ value >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    value ^= key[1];
    value = (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return value ^ key[0];
}

uint64_t ts_thread_control_init(struct ts_thread_control *control)
{
    static _Atomic uint64_t made;
    uint64_t key[2];
    memcpy(key, ts_bootstrap_block()->random, sizeof(key)); // two loads
    uint64_t number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    control->self = (uintptr_t)control;
    control->canary = scramble(number, key) & TS_CANARY_MASK;
    return control->self;
}
