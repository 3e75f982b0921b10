// SPDX-License-Identifier: MIT
// Bombs of what the kernel keeps: objects, memory, regions, handles, threads, processes, jobs.
#include "bomb.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/ring.h>

#define FEW     LIMITED(600, 0, 0)
#define CHAIN   5000u
#define OBJECTS 4096u // of a port

static ts_handle_t memory, event, job;

static ts_status_t prepare_memory(void)
{
    return ts_memory_create(2 * BOMB_PAGE, 0, &memory);
}

static ts_status_t prepare_event(void)
{
    return ts_event_create(0, &event);
}

static ts_status_t prepare_job(void)
{
    job = ts_named_handle(TS_NAME_JOB);
    return TS_OK;
}

static ts_status_t make_memory(void)
{
    ts_handle_t handle;
    return ts_memory_create(BOMB_PAGE, 0, &handle);
}

static ts_status_t make_view(void)
{
    ts_handle_t handle;
    return ts_memory_view(memory, BOMB_PAGE, BOMB_PAGE, &handle); // a part: an object of its own
}

// Each is a part of the one before, whose handle goes: nothing of the chain stays.
static ts_status_t make_view_of_view(void)
{
    ts_handle_t next;
    ts_status_t status = ts_memory_view(memory, 0, BOMB_PAGE, &next);
    if (status == TS_OK) {
        ts_close(memory);
        memory = next;
    }
    return status;
}

static ts_status_t make_region(void)
{
    void *at;
    return ts_memory_map(memory, NULL, BOMB_PAGE, 0, TS_MAP_READ, &at);
}

// Each in page tables of its own: 2 MiB apart.
static ts_status_t make_far_region(void)
{
    static uintptr_t next = UINT64_C(1) << 42;
    void *at;
    next += UINT64_C(2) << 20;
    ts_status_t status = ts_memory_map(memory, (void *)next, BOMB_PAGE, 0,
                                       TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED, &at);
    if (status == TS_OK) {
        *(volatile char *)at = 1;
    }
    return status;
}

static ts_status_t make_pages(void)
{
    ts_handle_t handle;
    ts_status_t status = ts_memory_create(64 * BOMB_PAGE, 0, &handle);
    return status != TS_OK ? status : ts_memory_commit(handle, 0, 64 * BOMB_PAGE);
}

static ts_status_t make_touch(void)
{
    void *at;
    ts_status_t status = ts_memory_allocate(64 * BOMB_PAGE, 0, NULL, &at);
    for (unsigned i = 0; status == TS_OK && i < 64; i++) {
        ((volatile char *)at)[i * BOMB_PAGE] = 1;
    }
    return status;
}

static ts_status_t make_event(void)
{
    ts_handle_t handle;
    return ts_event_create(0, &handle);
}

static ts_status_t make_handle(void)
{
    ts_handle_t handle;
    return ts_duplicate(event, TS_RIGHTS_ALL, &handle);
}

static ts_status_t make_job(void)
{
    ts_handle_t handle;
    return ts_job_create(job, NULL, &handle);
}

// A chain as long as it may be.
static ts_status_t make_job_below(void)
{
    return ts_job_create(job, NULL, &job);
}

// A chain of jobs with a process in each, and when that is as long as it may be, the next one.
static ts_status_t make_job_tree(void)
{
    ts_handle_t process;
    ts_status_t status = make_job_below();
    if (status == TS_ERR_LIMIT && job != ts_named_handle(TS_NAME_JOB)) {
        job = ts_named_handle(TS_NAME_JOB);
        status = make_job_below();
    }
    return status != TS_OK ? status : ts_process_create(job, "made", &process);
}

static ts_status_t make_process(void)
{
    ts_handle_t handle;
    return ts_process_create(job, "made", &handle);
}

// Every process starts others like itself.
static ts_status_t make_program(void)
{
    ts_handle_t handle;
    return bomb_start(bomb_now, bomb_scale.large, job, ts_named_handle(BOMB_TOLD), &handle);
}

static ts_status_t make_port(void)
{
    ts_handle_t handle;
    return ts_port_create(1, 1, TS_HANDLE_NONE, 0, &handle);
}

static ts_status_t make_served(void)
{
    static ts_handle_t port;
    static uint32_t oid = OBJECTS;
    ts_handle_t handle;
    ts_status_t status = TS_OK;
    if (oid == OBJECTS) {
        status = ts_port_create(1, OBJECTS, TS_HANDLE_NONE, 0, &port);
        oid = 0;
    }
    return status != TS_OK ? status : ts_port_mint(port, oid++, 0, TS_RIGHTS_ALL, &handle);
}

static ts_status_t make_ring(void)
{
    struct ts_result result = ts_sys_create(TS_KIND_RING, TS_RING_MIN, TS_RING_MIN, 1);
    return (ts_status_t)result.status;
}

static char *stacks;
static struct ts_thread_control control; // of all of them: they never return

// Their stacks are there beforehand: a touch over the limit would end the process.
static ts_status_t prepare_stacks(void)
{
    void *at;
    size_t bytes = (size_t)bomb_scale.stacks * BOMB_PAGE;
    ts_status_t status = ts_memory_allocate(bytes, 0, NULL, &at);
    if (status == TS_OK) {
        memset(at, 1, bytes);
    }
    stacks = at;
    ts_thread_control_init(&control);
    return status;
}

static void wait_for_ever(void *argument)
{
    (void)argument;
    bomb_wait_for_ever();
}

static ts_status_t make_thread(void)
{
    static unsigned used;
    if (used == bomb_scale.stacks) {
        return TS_ERR_OVERFLOW; // not refused by the kernel
    }
    struct ts_result result =
        ts_sys_thread_start(0, (uint64_t)(uintptr_t)wait_for_ever,
                            (uint64_t)(uintptr_t)(stacks + (size_t)(used++ + 1) * BOMB_PAGE - 8), 0,
                            control.self, TS_PRIORITY_NORMAL);
    return (ts_status_t)result.status;
}

#define LIMIT TS_ERR_LIMIT
const struct bomb bombs_kernel[] = {
    BOMB("memory", NULL, make_memory, FEW, LIMIT, .large = true),
    BOMB("view", prepare_memory, make_view, FEW, LIMIT),
    BOMB("view_chain", prepare_memory, make_view_of_view, FEW, TS_OK, .most = CHAIN),
    BOMB("region", prepare_memory, make_region, FEW, LIMIT, .large = true),
    BOMB("far_region", prepare_memory, make_far_region, FEW, LIMIT, .touches = true, .large = true,
         .large_most = 47000),
    BOMB("pages", NULL, make_pages, FEW, LIMIT, .large = true),
    BOMB("touch", NULL, make_touch, FEW, LIMIT, .touches = true),
    BOMB("event", NULL, make_event, FEW, LIMIT),
    BOMB("handle", prepare_event, make_handle, LIMITED(600, 1000, 0), LIMIT),
    BOMB("handle_pages", prepare_event, make_handle, FEW, LIMIT, .large = true),
    BOMB("job", prepare_job, make_job, FEW, LIMIT),
    BOMB("job_chain", prepare_job, make_job_below, FEW, LIMIT),
    BOMB("job_tree", prepare_job, make_job_tree, FEW, LIMIT, .large = true),
    BOMB("process", prepare_job, make_process, FEW, LIMIT),
    BOMB("program", prepare_job, make_program, LIMITED(3000, 0, 24), LIMIT, .touches = true,
         .large = true),
    BOMB("port", NULL, make_port, FEW, LIMIT),
    BOMB("served", NULL, make_served, FEW, LIMIT, .large = true),
    BOMB("ring", NULL, make_ring, FEW, LIMIT),
    BOMB("thread", prepare_stacks, make_thread, LIMITED(2000, 0, 50), LIMIT),
    BOMB("thread_pages", prepare_stacks, make_thread, FEW, LIMIT, .large = true),
    {0},
};
