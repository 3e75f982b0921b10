// SPDX-License-Identifier: MIT
// See honest.h.
#include "honest.h"

#include "pair.h"
#include "tap.h"

#include <tessera/lib/memory.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>

#define STACK_SIZE 32768u
#define REQUESTS   32u

static struct pair pair;
static struct ts_thread server_thread;
static ts_handle_t own;
static _Atomic bool over;

// Answers everything; what the hostile program sends is its own affair.
static void serve(void *argument)
{
    (void)argument;
    struct ts_event event;
    while (!over) {
        if (ts_ring_enter(&pair.server, 1, in_ms(20)) != TS_OK) {
            continue;
        }
        while (ts_ring_next(&pair.server, &event)) {
            if (event.kind != TS_EVENT_REQUEST) {
                continue;
            }
            const struct ts_reply reply = {.id = event.value, .value = event.offset ^ 1};
            (void)ts_port_reply(pair.port, &reply);
        }
    }
}

void honest_begin(ts_handle_t *out_target)
{
    pair_begin(&pair, REQUESTS, 0);
    CHECK_OK(ts_port_mint(pair.port, 1, 1, TS_RIGHTS_ALL, &own)); // a session of our own
    over = false;
    CHECK_OK(ts_thread_start(&server_thread, serve, NULL, STACK_SIZE, 0, TS_PRIORITY_NORMAL));
    *out_target = pair.object;
}

void honest_wake(void)
{
    ts_handle_t memory;
    void *at;
    CHECK_OK(ts_memory_allocate(TS_PAGE_SIZE, 0, &memory, &at));
    *(volatile uint32_t *)at = 0;
    struct ts_result woken = ts_sys_futex_wake((uintptr_t)at, 1);
    CHECK_OK((ts_status_t)woken.status);
    CHECK_EQUAL(woken.value, 0);
    CHECK_OK(ts_memory_unmap(at, TS_PAGE_SIZE));
    ts_close(memory);
}

uint64_t honest_ask(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t value;
        CHECK_OK(ts_op(own,
                       &(struct ts_op){.op = TS_OP_WRITE,
                                       .address = "x",
                                       .length = 1,
                                       .offset = i,
                                       .deadline = patience()},
                       &value));
        CHECK_EQUAL(value, i ^ 1);
    }
    return count;
}

void honest_end(void)
{
    over = true;
    CHECK_OK(ts_thread_join(&server_thread, in_ms(3000)));
    ts_close(own);
    pair_end(&pair);
}
