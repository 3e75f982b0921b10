// SPDX-License-Identifier: MIT
// What of the machine's state shows in a program that should not: registers of others, tables that
// there are none of; and where the parts of an address space lie. The program starts itself again.
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/machine_state"
#define OUT     "out"

#define FAULT_GENERAL_PROTECTION 13u

static uint32_t selectors(void)
{
    uint32_t ds, es, fs, gs;
    __asm__ volatile("movl %%ds, %0\n"
                     "movl %%es, %1\n"
                     "movl %%fs, %2\n"
                     "movl %%gs, %3\n"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | es | fs | gs;
}

// Where things lie that the program and the kernel placed. The order is that of `names`.
enum { IMAGE, STACK, MEMORY, RING, THREAD_STACK, PLACES };
static const char *const names[PLACES] = {"image", "stack", "memory", "ring", "thread's stack"};

// ---- In the child

// Loads all of them, for as long as it may.
static int hold_selectors(void)
{
    for (;;) {
        __asm__ volatile("movl %0, %%ds\n"
                         "movl %0, %%es\n"
                         "movl %1, %%gs\n"
                         :
                         : "r"(0x23), "r"(0x2b)
                         : "memory");
        ts_thread_yield();
    }
}

static int load_local(void)
{
    __asm__ volatile("movl %0, %%ds" : : "r"(7)); // the first of the local table
    return 1;
}

static uint64_t thread_stack;

static void note_stack(void *argument)
{
    (void)argument;
    thread_stack = (uintptr_t)__builtin_frame_address(0);
}

static int tell_places(void)
{
    void *memory;
    struct ts_ring_queue ring;
    struct ts_thread thread;
    size_t bytes;
    if (ts_memory_allocate(4096, 0, NULL, &memory) != TS_OK) {
        return 1;
    }
    if (ts_ring_create(&ring, 64, 128, 64) != TS_OK) {
        return 2;
    }
    if (ts_thread_start(&thread, note_stack, NULL, 16384, 0, TS_PRIORITY_NORMAL) != TS_OK ||
        ts_thread_join(&thread, TS_DEADLINE_NONE) != TS_OK) {
        return 3;
    }
    const uint64_t places[PLACES] = {(uintptr_t)tell_places, (uintptr_t)__builtin_frame_address(0),
                                     (uintptr_t)memory, (uintptr_t)ring.header, thread_stack};
    ts_status_t status =
        ts_write(ts_named_handle(OUT), places, sizeof(places), 0, TS_DEADLINE_NONE, &bytes);
    return status == TS_OK && bytes == sizeof(places) ? 42 : 4;
}

// ---- In the parent

static ts_handle_t start(const char *what, ts_handle_t out)
{
    const char *arguments[] = {"machine_state", what, NULL};
    const struct ts_spawn_handle handle = {OUT, out, TS_RIGHTS_SAME, false};
    const struct ts_spawn spawn = {.name = what,
                                   .arguments = arguments,
                                   .handles = &handle,
                                   .handle_count = out != TS_HANDLE_NONE};
    ts_handle_t child;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    return child;
}

static struct ts_process_report end_of(ts_handle_t child)
{
    struct ts_process_report report;
    CHECK_OK(ts_process_wait(child, patience(), &report));
    ts_close(child);
    return report;
}

static void rule_m07_selectors_of_others_are_not_seen(void)
{
    CHECK_EQUAL(selectors(), 0);
    ts_handle_t child = start("selectors", TS_HANDLE_NONE);
    uint32_t seen = 0;
    for (ts_time_t end = in_ms(300); ts_clock_now() < end && seen == 0;) {
        ts_thread_yield();
        seen = selectors();
    }
    CHECK_OK(ts_process_kill(child));
    CHECK_EQUAL(end_of(child).reason, TS_EXIT_KILLED);
    CHECK_EQUAL(seen, 0);
}

static void there_is_no_local_descriptor_table(void)
{
    struct ts_process_report report = end_of(start("local", TS_HANDLE_NONE));
    CHECK_EQUAL(report.reason, TS_EXIT_FAULT);
    CHECK_EQUAL(report.fault, FAULT_GENERAL_PROTECTION);
}

// Which of the bits above a page's differ from the first time's, in each place and between any two.
struct spread {
    uint64_t first[PLACES][PLACES], varied[PLACES][PLACES];
};

static void spread_add(struct spread *spread, const uint64_t places[PLACES], bool first)
{
    for (unsigned i = 0; i < PLACES; i++) {
        for (unsigned j = 0; j < PLACES; j++) {
            uint64_t value = i == j ? places[i] : places[i] - places[j];
            if (first) {
                spread->first[i][j] = value;
            }
            spread->varied[i][j] |= value ^ spread->first[i][j];
        }
    }
}

static void rule_m13_each_place_is_random_by_itself(void)
{
    static struct spread spread;
    const uint64_t bits = ((UINT64_C(1) << 28) - 1) << 12; // of a page's address
    ts_handle_t out;
    CHECK_OK(ts_memory_create(4096, 0, &out));
    for (unsigned round = 0; round < 64; round++) {
        uint64_t places[PLACES];
        size_t bytes;
        CHECK_EQUAL(end_of(start("places", out)).status, 42);
        CHECK_OK(ts_read(out, places, sizeof(places), 0, TS_DEADLINE_NONE, &bytes));
        spread_add(&spread, places, round == 0);
    }
    ts_close(out);
    for (unsigned i = 0; i < PLACES; i++) {
        for (unsigned j = 0; j < PLACES; j++) {
            if ((i == STACK && j == THREAD_STACK) || (j == STACK && i == THREAD_STACK)) {
                continue; // one lies behind the other
            }
            if ((spread.varied[i][j] & bits) != bits) {
                tap_note("%s beside %s: bits %#lx vary", names[i], names[j],
                         (unsigned long)spread.varied[i][j]);
            }
            CHECK((spread.varied[i][j] & bits) == bits);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_m07_selectors_of_others_are_not_seen),
        TAP(there_is_no_local_descriptor_table),
        TAP(rule_m13_each_place_is_random_by_itself),
    };
    if (argc < 2) {
        return TAP_RUN(tests);
    }
    if (strcmp(argv[1], "selectors") == 0) {
        return hold_selectors();
    }
    return strcmp(argv[1], "local") == 0 ? load_local() : tell_places();
}
