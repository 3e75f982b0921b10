// SPDX-License-Identifier: MIT
// Backtraces of a thread that entered the kernel with any RBP: they follow frames of its own kernel
// stack, and touch nothing else. What must not be touched is not readable here, so that touching it
// ends the test, or would be followed: it has frames of its own.
#include "../check.h"

#include <arch/debug.h>
#include <arch/memory.h>
#include <arch/thread.h>
#include <machine/paging.h>
#include <sys/mman.h>
#include <tessera/abi/status.h>

#define SLOT  (8 * PAGE_SIZE) // a stack's, with a guard page at its start
#define SLOTS 3u
#define MOST  16u
#define TEXT  (KERNEL_IMAGE_BASE + 0x1000)

uint64_t window_base, window_end;
struct arch_space kernel_space;
char kernel_data_start[1], kernel_data_end[1]; // the image's data: nothing

static bool is_stack(uint64_t address)
{
    uint64_t in_slot = (address - window_base) % SLOT;
    return in_slot >= PAGE_SIZE && in_slot < PAGE_SIZE + KERNEL_STACK_SIZE;
}

ts_status_t arch_space_query(struct arch_space *space, vaddr_t address, paddr_t *out_page,
                             unsigned *out_prot)
{
    CHECK(space == &kernel_space && out_page == NULL && out_prot == NULL);
    CHECK(address >= window_base && address < window_end);
    return is_stack(address) ? TS_OK : TS_ERR_NOT_FOUND;
}

static void *map(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

static uint64_t stack_top(unsigned slot)
{
    return window_base + slot * SLOT + PAGE_SIZE + KERNEL_STACK_SIZE;
}

static void make_window(void)
{
    window_base = (uint64_t)map(SLOTS * SLOT);
    window_end = window_base + SLOTS * SLOT;
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK(mprotect((void *)(stack_top(i) - KERNEL_STACK_SIZE), KERNEL_STACK_SIZE,
                       PROT_READ | PROT_WRITE) == 0);
    }
}

// A frame at an address: where the next one is, and its return address.
static void put(uint64_t at, uint64_t next, uint64_t back)
{
    ((uint64_t *)at)[0] = next;
    ((uint64_t *)at)[1] = back;
}

static unsigned trail(uint64_t rbp, uint64_t *out_addresses)
{
    struct arch_frame frame = {.rip = TEXT, .rbp = rbp};
    unsigned count = arch_backtrace(&frame, out_addresses, MOST);
    CHECK(count >= 1 && out_addresses[0] == TEXT);
    return count;
}

// Three frames on the second stack, of which the last is the entry's: its link is the program's
// RBP.
static unsigned trail_of_entry(uint64_t rbp)
{
    uint64_t addresses[MOST], top = stack_top(1);
    put(top - 512, top - 256, TEXT + 1);
    put(top - 256, top - 64, TEXT + 2);
    put(top - 64, rbp, TEXT + 3);
    unsigned count = trail(top - 512, addresses);
    for (unsigned i = 0; i < count && i < 4; i++) {
        CHECK_EQUAL(addresses[i], TEXT + i);
    }
    return count;
}

static void test_own_frames(void)
{
    uint64_t addresses[MOST], low = stack_top(0) - KERNEL_STACK_SIZE;
    CHECK_EQUAL(trail_of_entry(0), 4);
    for (uint64_t at = low; at < stack_top(0); at += 64) {
        put(at, at + 64, TEXT);
    }
    CHECK_EQUAL(trail(low, addresses), MOST);
    put(low, low, TEXT); // a circle
    CHECK_EQUAL(trail(low, addresses), 2);
    put(low, low + 64, 0x401000); // the program's text
    CHECK_EQUAL(trail(low, addresses), 1);
}

static void test_hostile(const uint64_t *hostile, unsigned count)
{
    uint64_t addresses[MOST];
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(trail_of_entry(hostile[i]), 4);
        // And of an exception in the program itself.
        if (hostile[i] < window_base || hostile[i] >= window_end) {
            CHECK_EQUAL(trail(hostile[i], addresses), 1);
        }
    }
}

int main(void)
{
    make_window();
    test_own_frames();
    uint64_t hidden = (uint64_t)map(PAGE_SIZE), shown = (uint64_t)map(PAGE_SIZE);
    CHECK(mprotect((void *)shown, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
    for (uint64_t at = 0; at < PAGE_SIZE; at += 64) {
        put(shown + at, shown + at + 64, TEXT);
    }
    const uint64_t users[] = {hidden,
                              shown,
                              8,
                              0x7fffffffe000,
                              UINT64_C(0x8000000000000000),
                              UINT64_MAX,
                              UINT64_MAX - 7,
                              KERNEL_IMAGE_BASE,
                              TEXT};
    test_hostile(users, sizeof(users) / sizeof(users[0]));
    // Other threads' stacks, which can be taken away at any time, and the guards between.
    for (uint64_t at = window_base + 2 * SLOT + PAGE_SIZE; at < window_end - 3 * PAGE_SIZE;
         at += 64) {
        put(at, at + 64, TEXT);
    }
    uint64_t others[4 * SLOT / 64];
    unsigned count = 0;
    for (uint64_t at = window_base; at < stack_top(1) - 1024; at += 1024) {
        others[count++] = at;
    }
    for (uint64_t at = stack_top(1); at < window_end; at += 64) {
        others[count++] = at;
    }
    test_hostile(others, count);
    return 0;
}
