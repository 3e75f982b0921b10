// SPDX-License-Identifier: MIT
// See workload.h. A failed step ends a workload; what was made before is given back all the same,
// by calls that need no memory.
#include "workload.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define PAGE       ((uint64_t)TS_PAGE_SIZE)
#define STACK_SIZE 16384u
#define TABLE_STEP 256u // handles, after which a table grows
#define FAR        UINT64_C(0x123400000000)

static ts_time_t soon(void)
{
    return ts_deadline_in(5 * TS_SECOND);
}

static ts_status_t status_of_both(ts_status_t first, ts_status_t second)
{
    return first != TS_OK ? first : second;
}

// Unmapping may need memory, to cut a region in two, and then has done nothing.
static ts_status_t unmap(void *at, size_t length)
{
    ts_status_t status = ts_memory_unmap(at, length);
    if (status != TS_OK && ts_memory_unmap(at, length) != TS_OK) {
        return WORKLOAD_WRONG;
    }
    return status;
}

// ---- Memory objects and mappings

static ts_status_t mapping(ts_handle_t memory)
{
    void *at;
    ts_status_t status = ts_memory_map(memory, (void *)FAR, 4 * PAGE, 0,
                                       TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED, &at);
    if (status != TS_OK) {
        return status;
    }
    // Splits the region in three.
    status = ts_memory_protect((char *)at + PAGE, PAGE, TS_MAP_READ);
    if (status == TS_OK) {
        status = ts_write(memory, "text", 4, PAGE, soon(), &(size_t){0});
    }
    if (status == TS_OK && memcmp((char *)at + PAGE, "text", 4) != 0) {
        status = WORKLOAD_WRONG;
    }
    return status_of_both(status, unmap(at, 4 * PAGE));
}

static ts_status_t memory_run(void)
{
    ts_handle_t memory, view = TS_HANDLE_NONE, contiguous = TS_HANDLE_NONE;
    ts_status_t status = ts_memory_create(8 * PAGE, 0, &memory);
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_commit(memory, 0, 6 * PAGE);
    if (status == TS_OK) {
        status = ts_set_u64(memory, TS_PROPERTY_SIZE, 600 * PAGE);
    }
    if (status == TS_OK) {
        status = ts_memory_commit(memory, 590 * PAGE, PAGE);
    }
    if (status == TS_OK) {
        status = ts_memory_view(memory, PAGE, 4 * PAGE, &view);
    }
    if (status == TS_OK) {
        status = mapping(view);
    }
    if (status == TS_OK) {
        status = ts_memory_create(3 * PAGE, TS_MEMORY_CONTIGUOUS, &contiguous);
    }
    ts_close(contiguous);
    ts_close(view);
    ts_close(memory);
    return status;
}

// A page fault in new tables, by the program itself.
static ts_status_t fault_run(void)
{
    void *at;
    ts_handle_t memory;
    ts_status_t status = ts_memory_create(2 * PAGE, 0, &memory);
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_map(memory, (void *)FAR, 2 * PAGE, 0,
                           TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED, &at);
    ts_close(memory);
    if (status != TS_OK) {
        return status;
    }
    volatile char *bytes = at;
    bytes[0] = 1;
    bytes[PAGE] = 2;
    if (bytes[0] != 1 || bytes[PAGE] != 2 || bytes[1] != 0) {
        status = WORKLOAD_WRONG;
    }
    return status_of_both(status, unmap(at, 2 * PAGE));
}

// ---- Handles: the table grows

static void handles_prepare(void)
{
    ts_handle_t event, copy;
    if (ts_event_create(0, &event) != TS_OK) {
        return;
    }
    for (copy = TS_HANDLE_NONE; ts_handle_slot(copy) < TABLE_STEP - 4;) {
        if (ts_duplicate(event, TS_RIGHTS_ALL, &copy) != TS_OK) {
            return;
        }
    }
}

static ts_status_t handles_run(void)
{
    ts_handle_t events[8] = {0};
    ts_status_t status = TS_OK;
    for (unsigned i = 0; i < 8 && status == TS_OK; i++) {
        status = ts_event_create(i, &events[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        ts_close(events[i]);
    }
    return status;
}

// ---- Ports, rings and what goes through them

struct both {
    struct ts_ring_queue client, server;
    ts_handle_t inbox, port, object;
};

static ts_status_t both_make(struct both *both)
{
    ts_status_t status = ts_memory_create(8 * PAGE, 0, &both->inbox);
    if (status == TS_OK) {
        status = ts_port_create(32, 32, both->inbox, 1024, &both->port);
    }
    if (status == TS_OK) {
        status = ts_ring_create(&both->client, 16, 16, 16);
    }
    if (status == TS_OK) {
        status = ts_ring_create(&both->server, 16, 16, 16);
    }
    if (status == TS_OK) {
        status = ts_port_bind(both->port, both->server.handle, 1);
    }
    if (status == TS_OK) {
        status = ts_port_mint(both->port, 0, 1, TS_RIGHTS_ALL, &both->object);
    }
    return status;
}

static void both_end(struct both *both)
{
    if (both->client.handle != TS_HANDLE_NONE) {
        ts_ring_destroy(&both->client);
    }
    ts_close(both->port);
    ts_close(both->object);
    if (both->server.handle != TS_HANDLE_NONE) {
        ts_ring_destroy(&both->server);
    }
    ts_close(both->inbox);
}

static ts_status_t event_of(struct ts_ring_queue *ring, enum ts_event_kind kind,
                            struct ts_event *out_event)
{
    for (;;) {
        while (ts_ring_next(ring, out_event)) {
            if (out_event->kind == kind) { // beside it are notices of objects that were closed
                return TS_OK;
            }
        }
        ts_status_t status = ts_ring_enter(ring, 1, soon());
        if (status != TS_OK) {
            return status;
        }
    }
}

// A call that sends an event and is answered with a new object.
static ts_status_t exchange(struct both *both)
{
    struct ts_event event;
    ts_handle_t sent, taken;
    ts_status_t status = ts_event_create(0, &sent);
    if (status != TS_OK) {
        return status;
    }
    struct ts_call call = {.in_handles = 1, .in_handle = {sent}, .out_handles = 1};
    ts_prepare(ts_ring_slot(&both->client), both->object,
               &(struct ts_op){
                   .op = TS_OP_CALL, .address = &call, .length = sizeof(call), .deadline = soon()},
               7);
    status = ts_ring_submit(&both->client);
    if (status == TS_OK) {
        status = event_of(&both->server, TS_EVENT_REQUEST, &event);
    }
    if (status == TS_OK) {
        status = ts_port_take(both->port, event.value, 0, &taken, NULL);
    }
    if (status != TS_OK) {
        ts_close(sent);
        return status;
    }
    ts_close(taken);
    const struct ts_reply reply = {
        .id = event.value, .result = TS_REPLY_MINT, .object = 5, .rights = TS_RIGHTS_ALL};
    status = ts_port_reply(both->port, &reply);
    if (status == TS_OK) {
        status = event_of(&both->client, TS_EVENT_COMPLETION, &event);
    }
    if (status == TS_OK) {
        status = event.status;
    }
    if (status == TS_OK && call.out_handle[0] == TS_HANDLE_NONE) {
        return WORKLOAD_WRONG;
    }
    ts_close(call.out_handle[0]);
    return status;
}

static ts_status_t port_run(void)
{
    struct both both = {0};
    ts_status_t status = both_make(&both);
    if (status == TS_OK) {
        status = exchange(&both);
    }
    both_end(&both);
    return status;
}

// The handles that arrive make the table grow.
static ts_status_t exchange_run(void)
{
    struct both both = {0};
    ts_status_t status = both_make(&both);
    for (unsigned i = 0; i < 3 && status == TS_OK; i++) {
        status = exchange(&both);
    }
    both_end(&both);
    return status;
}

// ---- Threads, processes, jobs

static void thread_main(void *argument)
{
    *(uint32_t *)argument = 1;
}

static ts_status_t thread_run(void)
{
    struct ts_thread thread;
    uint32_t ran = 0;
    ts_status_t status =
        ts_thread_start(&thread, thread_main, &ran, STACK_SIZE, 0, TS_PRIORITY_NORMAL);
    if (status != TS_OK) {
        return status;
    }
    status = ts_thread_join(&thread, soon());
    return status == TS_OK && ran != 1 ? WORKLOAD_WRONG : status;
}

static ts_status_t spawn_run(void)
{
    const char *arguments[] = {"sweep", "nothing", NULL};
    const struct ts_spawn spawn = {.name = "nothing", .arguments = arguments};
    struct ts_process_report report;
    ts_handle_t process;
    ts_status_t status =
        ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "test/sweep", &process);
    if (status != TS_OK) {
        return status;
    }
    status = ts_process_wait(process, soon(), &report);
    ts_close(process);
    return status == TS_OK && report.reason != TS_EXIT_STATUS ? WORKLOAD_WRONG : status;
}

static ts_status_t process_run(void)
{
    ts_handle_t job, process = TS_HANDLE_NONE, event = TS_HANDLE_NONE, there;
    uint64_t at;
    ts_status_t status =
        ts_job_create(ts_named_handle(TS_NAME_JOB), &(struct ts_job_limits){0}, &job);
    if (status != TS_OK) {
        return status;
    }
    status = ts_process_create(job, "empty", &process);
    if (status == TS_OK) {
        status = ts_process_map(process, ts_named_handle(TS_NAME_CLOCK), FAR, PAGE, 0,
                                TS_MAP_READ | TS_MAP_FIXED, &at);
    }
    if (status == TS_OK) {
        status = ts_event_create(0, &event);
    }
    if (status == TS_OK) {
        status = ts_process_give(process, event, &there);
    }
    if (status != TS_OK) {
        ts_close(event);
    }
    ts_status_t killed = ts_job_kill(job);
    if (process != TS_HANDLE_NONE && killed == TS_OK) {
        killed = ts_process_wait(process, soon(), NULL);
    }
    ts_close(process);
    ts_close(job);
    return status != TS_OK ? status : killed;
}

static ts_status_t open_run(void)
{
    ts_handle_t file, memory;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "test/sweep", 0,
                                 TS_RIGHT_READ | TS_RIGHT_MAP, &file);
    if (status != TS_OK) {
        return status;
    }
    status = ts_map_object(file, 0, PAGE, TS_RIGHT_READ, &memory);
    ts_close(file);
    if (status == TS_OK) {
        ts_close(memory);
    }
    return status;
}

const struct workload workloads[] = {
    {"memory", NULL, memory_run},
    {"fault", NULL, fault_run},
    {"handles", handles_prepare, handles_run},
    {"port", NULL, port_run},
    {"exchange", handles_prepare, exchange_run},
    {"thread", NULL, thread_run},
    {"process", NULL, process_run},
    {"open", handles_prepare, open_run},
    {"spawn", NULL, spawn_run},
};
const unsigned workload_count = sizeof(workloads) / sizeof(*workloads);

int workload_child(unsigned number, uint64_t n)
{
    void *at;
    ts_handle_t self = ts_named_handle(TS_NAME_PROCESS);
    if (number >= workload_count || ts_memory_map(ts_named_handle(VERDICT_NAME), NULL, PAGE, 0,
                                                  TS_MAP_READ | TS_MAP_WRITE, &at) != TS_OK) {
        return 1;
    }
    struct verdict *verdict = at;
    const struct workload *workload = &workloads[number];
    if (workload->prepare != NULL) {
        workload->prepare();
    }
    verdict->armed = 1;
    if (ts_set_u64(self, TS_PROPERTY_ALLOCATION_FAILURE, n) != TS_OK) {
        return 1;
    }
    verdict->first = workload->run();
    verdict->armed = 2;
    if (ts_get_u64(self, TS_PROPERTY_ALLOCATION_FAILURE, &verdict->left) != TS_OK ||
        ts_set_u64(self, TS_PROPERTY_ALLOCATION_FAILURE, 0) != TS_OK) {
        return 1;
    }
    verdict->second = workload->run();
    verdict->armed = 3;
    return 0;
}
