// SPDX-License-Identifier: MIT
// The longest time for which the kernel holds locks, with interrupts off therefore, while a program
// gives it very many of everything at once. It asks the debug kernel, which notes it; counted in
// guest instructions, its own checks included.
//
// The program starts itself again with a handle READY. The child fills the kernel with waiters,
// threads, handles, pages and requests, lets some of them end by themselves, and is killed with the
// others. What was longest since the boot is the row.
#include "crowd.h"
#include "measure.h"
#include "pair.h"
#include "vast.h"

#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define ROW   "longest_section"
#define READY "ready"

enum {
    RINGS = 4,
    RECORDS = TS_RING_MAX,
    THREADS = 200,
    HANDLES = 5000,
    BYTES = 16 << 20,
    REQUESTS = 512,
    SLOTS = 2 * REQUESTS, // of which one client has half (Q15)
    INBOX = TS_PORT_INBOX_MAX,
};

static struct ts_ring_queue rings[RINGS], server, client;
static struct ts_thread threads[THREADS];
static uint32_t word; // at which all wait
static uint32_t gate; // at which the threads do
static ts_handle_t port, object;

static void wait_for_ever(void *argument)
{
    (void)argument;
    for (;;) {
        (void)ts_sys_futex_wait((uintptr_t)&gate, 0, TS_DEADLINE_NONE);
    }
}

// As many waits as the ring has records: for the word, for a signal, or for a time.
static void fill(struct ts_ring_queue *ring, enum ts_operation op, ts_time_t deadline)
{
    for (uint32_t i = 0; i < RECORDS - 1; i++) {
        struct ts_submission *slot = ts_ring_slot(ring);
        switch (op) {
        case TS_OP_FUTEX_WAIT:
            ts_prepare(slot, TS_HANDLE_NONE,
                       &(struct ts_op){.op = op, .address = &word, .deadline = deadline}, i);
            break;
        case TS_OP_WAIT: ts_prepare_wait(slot, object, TS_SIGNAL_READABLE, deadline, i); break;
        default: ts_prepare_timeout(slot, deadline, i);
        }
    }
    measure_need(ts_ring_submit(ring), "submit");
}

static void drain(struct ts_ring_queue *ring)
{
    measure_need(ts_ring_enter(ring, RECORDS - 1, TS_DEADLINE_NONE), "events");
    ts_ring_consume(ring, RECORDS - 1);
}

static void begin_service(void)
{
    void *inbox;
    ts_handle_t memory;
    measure_need(ts_memory_allocate((size_t)SLOTS * INBOX, 0, &memory, &inbox), "inbox");
    measure_need(ts_port_create(SLOTS, REQUESTS, memory, INBOX, &port), "port");
    measure_need(ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object), "object");
    measure_need(ts_ring_create(&server, RECORDS, RECORDS, RECORDS), "ring");
    measure_need(ts_ring_create(&client, RECORDS, RECORDS, RECORDS), "ring");
    measure_need(ts_port_bind(port, server.handle, 0), "bind");
}

// Twice as many requests as are delivered at once, with as much payload as inboxes have room for.
static void ask(void *payload)
{
    for (uint32_t i = 0; i < 2 * REQUESTS; i++) {
        ts_prepare_write(ts_ring_slot(&client), object, payload, INBOX, 0, TS_DEADLINE_NONE, i);
    }
    measure_need(ts_ring_submit(&client), "requests");
    measure_need(ts_ring_enter(&server, REQUESTS, TS_DEADLINE_NONE), "requests");
}

static void answer(void)
{
    for (uint32_t i = 0; i < REQUESTS; i++) {
        ts_prepare_reply(ts_ring_slot(&server), port, ts_ring_peek(&server, i)->value, TS_OK, 0,
                         NULL, 0, 0);
    }
    ts_ring_consume(&server, REQUESTS);
    measure_need(ts_ring_enter(&server, REQUESTS, TS_DEADLINE_NONE), "answers");
    measure_need(ts_ring_enter(&client, REQUESTS, TS_DEADLINE_NONE), "answers");
}

// Ends by themselves: wake-ups, signals, deadlines, answers.
static void exercise(char *memory)
{
    for (unsigned i = 0; i < RINGS; i++) {
        fill(&rings[i], TS_OP_FUTEX_WAIT, TS_DEADLINE_NONE);
    }
    struct ts_result woken = ts_sys_futex_wake((uintptr_t)&word, UINT32_MAX);
    measure_need(woken.value == RINGS * (RECORDS - 1) ? TS_OK : TS_ERR_CORRUPT, "wake");
    for (unsigned i = 0; i < RINGS; i++) {
        drain(&rings[i]);
    }
    fill(&rings[0], TS_OP_WAIT, TS_DEADLINE_NONE);
    measure_need(ts_port_signal(port, 0, 0, TS_SIGNAL_READABLE), "signal");
    drain(&rings[0]);
    measure_need(ts_port_signal(port, 0, TS_SIGNAL_READABLE, 0), "signal");
    fill(&rings[0], TS_OP_TIMEOUT, ts_clock_now() + 20000000);
    drain(&rings[0]);
    ask(memory);
    answer();
    measure_need(ts_memory_unmap(memory, BYTES), "unmap");
}

static char *touched(void)
{
    void *memory;
    measure_need(ts_memory_allocate(BYTES, 0, NULL, &memory), "memory");
    for (size_t i = 0; i < BYTES; i += TS_PAGE_SIZE) {
        ((volatile char *)memory)[i] = 1;
    }
    return memory;
}

_Noreturn static void child(ts_handle_t ready)
{
    ts_handle_t copy;
    begin_service();
    for (unsigned i = 0; i < RINGS; i++) {
        measure_need(ts_ring_create(&rings[i], RECORDS, RECORDS, RECORDS), "ring");
    }
    exercise(touched());
    vast_memory();
    crowd();
    for (unsigned i = 0; i < HANDLES; i++) {
        measure_need(ts_duplicate(object, TS_RIGHTS_ALL, &copy), "duplicate");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        measure_need(
            ts_thread_start(&threads[i], wait_for_ever, NULL, 16384, 0, TS_PRIORITY_NORMAL),
            "thread");
    }
    fill(&rings[0], TS_OP_FUTEX_WAIT, TS_DEADLINE_NONE);
    fill(&rings[1], TS_OP_WAIT, TS_DEADLINE_NONE);
    fill(&rings[2], TS_OP_TIMEOUT, ts_clock_now() + INT64_C(1000000000) * 3600);
    ask(touched());
    measure_need(ts_event_signal(ready, 1), "ready");
    wait_for_ever(NULL);
    __builtin_unreachable();
}

int main(int argc, char **argv)
{
    measure_begin(argc, argv);
    ts_handle_t ready = ts_named_handle(READY), system = ts_named_handle(MEASURE_SYSTEM);
    if (ready != TS_HANDLE_NONE) {
        child(ready);
    }
    struct ts_system_statistics statistics;
    struct ts_process_report report;
    measure_need(ts_event_create(0, &ready), "event");
    const struct ts_spawn_handle handles[] = {
        {READY, ready, TS_RIGHTS_ALL, false},
        {TS_NAME_JOB, ts_named_handle(TS_NAME_JOB), TS_RIGHTS_ALL, false},
    };
    ts_handle_t process = pair_start("sections", argv, handles, 2);
    measure_need(
        ts_wait(ready, TS_SIGNAL_READABLE, ts_clock_now() + INT64_C(1000000000) * 60, NULL),
        "the child");
    measure_need(ts_process_kill(process), "kill");
    measure_need(ts_process_wait(process, TS_DEADLINE_NONE, &report), "its end");
    measure_need(ts_system_statistics(system, &statistics), "statistics");
    measure_need(statistics.longest_locked_ns != 0 ? TS_OK : TS_ERR_UNSUPPORTED, "a debug kernel");
    printf("bench " ROW " %llu\n", (unsigned long long)statistics.longest_locked_ns);
    return 0;
}
