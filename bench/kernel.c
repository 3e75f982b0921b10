// SPDX-License-Identifier: MIT
// What the kernel does for one process by itself: system calls, rings, pages, threads.
#include "measure.h"

#include <stdio.h>
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define PAGES 64u

static ts_status_t null_system_call(void *context)
{
    (void)context;
    return (ts_status_t)ts_sys_op(ts_op_word(TS_OP_NOP, 0, 0, TS_HANDLE_NONE), 0, 0, 0, 0,
                                  TS_DEADLINE_NONE)
        .status;
}

static ts_status_t read_clock(void *context)
{
    ts_time_t *last = context;
    ts_time_t now = ts_clock_now();
    ts_status_t status = now < *last ? TS_ERR_CORRUPT : TS_OK;
    *last = now;
    return status;
}

static uint32_t ring_batch;

static ts_status_t ring_nops(void *context)
{
    struct ts_ring_queue *ring = context;
    for (uint32_t i = 0; i < ring_batch; i++) {
        ts_prepare_nop(ts_ring_slot(ring), i);
    }
    ts_status_t status = ts_ring_enter(ring, ring_batch, TS_DEADLINE_NONE);
    if (status != TS_OK || ts_ring_unread(ring) != ring_batch) {
        return status != TS_OK ? status : TS_ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < ring_batch && status == TS_OK; i++) {
        const struct ts_event *event = ts_ring_peek(ring, i);
        status = event->user_data == i ? event->status : TS_ERR_CORRUPT;
    }
    ts_ring_consume(ring, ring_batch);
    return status;
}

struct touch {
    ts_handle_t memory;
    volatile char *address;
};

static ts_status_t fresh_mapping(void *context)
{
    struct touch *touch = context;
    void *address;
    if (touch->address != NULL) {
        measure_need(ts_memory_unmap((void *)touch->address, TS_PAGE_SIZE), "unmap");
    }
    ts_close(touch->memory);
    measure_need(ts_memory_create(TS_PAGE_SIZE, 0, &touch->memory), "memory");
    ts_status_t status =
        ts_memory_map(touch->memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, &address);
    touch->address = address;
    return status;
}

static ts_status_t touch_page(void *context)
{
    struct touch *touch = context;
    touch->address[0] = 1;
    return touch->address[1] == 0 ? TS_OK : TS_ERR_CORRUPT;
}

static ts_status_t map_touch_unmap(void *context)
{
    (void)context;
    ts_handle_t memory;
    void *address;
    ts_status_t status = ts_memory_create(PAGES * TS_PAGE_SIZE, 0, &memory);
    if (status == TS_OK) {
        status = ts_memory_map(memory, NULL, PAGES * TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE,
                               &address);
    }
    for (uint32_t i = 0; i < PAGES && status == TS_OK; i++) {
        ((volatile char *)address)[i * TS_PAGE_SIZE] = 1;
    }
    if (status == TS_OK) {
        status = ts_memory_unmap(address, PAGES * TS_PAGE_SIZE);
    }
    ts_close(memory);
    return status;
}

static void thread_body(void *argument)
{
    *(volatile int *)argument = 1;
}

static ts_status_t thread_create_join(void *context)
{
    (void)context;
    struct ts_thread thread;
    volatile int ran = 0;
    ts_status_t status =
        ts_thread_start(&thread, thread_body, (void *)&ran, 16384, 0, TS_PRIORITY_NORMAL);
    if (status == TS_OK) {
        status = ts_thread_join(&thread, TS_DEADLINE_NONE);
    }
    return status != TS_OK || ran == 1 ? status : TS_ERR_CORRUPT;
}

int main(int argc, char **argv)
{
    measure_begin(argc, argv);
    ts_time_t last = 0;
    struct ts_ring_queue ring;
    struct touch touch = {0};
    measure("null_syscall", 1, NULL, null_system_call, NULL);
    measure("clock_read", 1, NULL, read_clock, &last);
    measure_need(ts_ring_create(&ring, 64, 128, 64), "ring");
    ring_batch = 1;
    measure("ring_nop_1", 1, NULL, ring_nops, &ring);
    ring_batch = 32;
    measure("ring_nop_32", 32, NULL, ring_nops, &ring);
    measure("page_fault", 1, fresh_mapping, touch_page, &touch);
    measure("map_touch_unmap", PAGES, NULL, map_touch_unmap, NULL);
    measure("thread_create_join", 1, NULL, thread_create_join, NULL);
    return 0;
}
