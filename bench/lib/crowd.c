// SPDX-License-Identifier: MIT
// See crowd.h.
#include "crowd.h"

#include "measure.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

enum {
    RINGS = 16,
    RECORDS = TS_RING_MAX,
    IN_FLIGHT = RECORDS - 1,
    THREADS = 1000,
    STACK = 256,
    HANDLES = 60000,
    PROCESSES = 300,
    OBJECTS = 4096,
    POSTS = 300,
};

static struct ts_ring_queue rings[RINGS];
static struct ts_thread_control control; // of all threads: they never return
static uint32_t gate;

static void begin_rings(void)
{
    for (unsigned i = 0; i < RINGS; i++) {
        measure_need(ts_ring_create(&rings[i], RECORDS, RECORDS, RECORDS), "ring");
    }
}

static void drain(struct ts_ring_queue *ring)
{
    measure_need(ts_ring_enter(ring, IN_FLIGHT, TS_DEADLINE_NONE), "events");
    ts_ring_consume(ring, IN_FLIGHT);
}

// All of them at the same time.
static void timers(void)
{
    ts_time_t deadline = ts_clock_now() + INT64_C(100000000);
    for (unsigned i = 0; i < RINGS; i++) {
        for (uint32_t j = 0; j < IN_FLIGHT; j++) {
            ts_prepare_timeout(ts_ring_slot(&rings[i]), deadline, j);
        }
        measure_need(ts_ring_submit(&rings[i]), "timeouts");
    }
    for (unsigned i = 0; i < RINGS; i++) {
        drain(&rings[i]);
    }
}

static void signals(void)
{
    ts_handle_t port, object;
    measure_need(ts_port_create(1, 1, TS_HANDLE_NONE, 0, &port), "port");
    measure_need(ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object), "object");
    for (unsigned i = 0; i < RINGS; i++) {
        for (uint32_t j = 0; j < IN_FLIGHT; j++) {
            ts_prepare_watch(ts_ring_slot(&rings[i]), object, TS_SIGNAL_READABLE, j);
        }
        measure_need(ts_ring_submit(&rings[i]), "watches");
    }
    measure_need(ts_port_signal(port, 0, 0, TS_SIGNAL_READABLE), "signal");
    for (unsigned i = 0; i < RINGS; i++) {
        drain(&rings[i]);
    }
    // Each of them is looked for among all.
    for (uint32_t j = 0; j < 64; j++) {
        ts_prepare_cancel(ts_ring_slot(&rings[0]), IN_FLIGHT - 1 - j % 2 * RECORDS, 0, RECORDS);
    }
    measure_need(ts_ring_submit(&rings[0]), "cancels");
    for (unsigned i = 0; i < POSTS; i++) {
        measure_need(
            ts_op(rings[1].handle, &(struct ts_op){.op = TS_OP_POST, .offset = i, .arg = i}, NULL),
            "post");
    }
    ts_close(object);
    ts_close(port);
    for (unsigned i = 0; i < RINGS; i++) {
        ts_ring_destroy(&rings[i]); // the watches with them
    }
    begin_rings();
}

static void wait_for_ever(void)
{
    for (;;) {
        (void)ts_sys_futex_wait((uintptr_t)&gate, 0, TS_DEADLINE_NONE);
    }
}

static void threads(void)
{
    static char stacks[THREADS][STACK] __attribute__((aligned(16)));
    struct ts_process_statistics statistics;
    ts_thread_control_init(&control);
    for (unsigned i = 0; i < THREADS; i++) {
        struct ts_result result =
            ts_sys_thread_start(0, (uintptr_t)wait_for_ever, (uintptr_t)&stacks[i][STACK - 8], 0,
                                control.self, TS_PRIORITY_NORMAL);
        measure_need((ts_status_t)result.status, "thread");
        ts_close((ts_handle_t)result.value);
    }
    measure_need(ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics),
                 "statistics");
    measure_need(statistics.threads > THREADS ? TS_OK : TS_ERR_CORRUPT, "threads");
}

static void processes(void)
{
    ts_handle_t job, process;
    measure_need(ts_job_create(ts_named_handle(TS_NAME_JOB), NULL, &job), "job");
    for (unsigned i = 0; i < PROCESSES; i++) {
        measure_need(ts_process_create(job, "crowd", &process), "process");
    }
    measure_need(ts_job_kill(job), "kill");
}

// More than the port has slots, at one session and at many.
static void requests(void)
{
    static char payload[TS_PORT_INBOX_MAX];
    ts_handle_t port, objects[OBJECTS];
    measure_need(ts_port_create(TS_PORT_REQUESTS_MAX / 2, OBJECTS, TS_HANDLE_NONE, 0, &port),
                 "port");
    for (uint32_t i = 0; i < OBJECTS; i++) {
        measure_need(ts_port_mint(port, i, i, TS_RIGHTS_ALL, &objects[i]), "object");
    }
    for (unsigned i = 0; i < RINGS; i++) {
        for (uint32_t j = 0; j < IN_FLIGHT; j++) {
            ts_prepare_write(ts_ring_slot(&rings[i]), objects[i % 2 == 0 ? 0 : j], payload,
                             sizeof(payload), 0, TS_DEADLINE_NONE, j);
        }
        measure_need(ts_ring_submit(&rings[i]), "requests");
    }
}

static void handles(void)
{
    ts_handle_t event, copy;
    measure_need(ts_event_create(0, &event), "event");
    for (unsigned i = 0; i < HANDLES; i++) {
        measure_need(ts_duplicate(event, TS_RIGHTS_ALL, &copy), "duplicate");
    }
}

void crowd(void)
{
    begin_rings();
    timers();
    signals();
    processes();
    threads();
    handles();
    requests();
}
