// SPDX-License-Identifier: MIT
// Between two processes: operations on a served object, synchronous and by rings, doorbells,
// yields.
//
// The program starts itself again with a handle TARGET: the child measures, the parent
// serves it with the plainest loop there is on one ring: what comes alone is answered by
// reply_wait, of what comes in a batch the answers are submitted together. That the parent served
// what the child asked is seen in the page that is read back: its first word counts the empty
// writes.
#include "measure.h"
#include "pair.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/thread.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

// Handles that the child is given.
#define TARGET   "target"
#define BELL_OUT "bell-out"
#define BELL_IN  "bell-in"

// What the offset of an empty write tells the server to do.
enum { COUNT, ANSWER_BELLS, YIELD };

struct page {
    uint64_t count, padding[510], last;
} __attribute__((aligned(TS_PAGE_SIZE)));

#define LAST UINT64_C(0x7465737365726121)

// ---- The measuring side

static ts_handle_t target, bell_out, bell_in;
static struct page page;
static uint32_t batch;
static uint64_t asked; // empty writes

static ts_status_t call_empty(void *context)
{
    (void)context;
    size_t bytes;
    asked++;
    return ts_write(target, NULL, 0, COUNT, TS_DEADLINE_NONE, &bytes);
}

static ts_status_t call_read(void *context)
{
    (void)context;
    size_t bytes;
    page.last = 0;
    ts_status_t status = ts_read(target, &page, sizeof(page), 0, TS_DEADLINE_NONE, &bytes);
    return status != TS_OK || (bytes == sizeof(page) && page.last == LAST && page.count == asked)
               ? status
               : TS_ERR_CORRUPT;
}

static ts_status_t ring_calls(void *context)
{
    struct ts_ring_queue *ring = context;
    for (uint32_t i = 0; i < batch; i++) {
        ts_prepare_write(ts_ring_slot(ring), target, NULL, 0, COUNT, TS_DEADLINE_NONE, i);
    }
    asked += batch;
    ts_status_t status = ts_ring_enter(ring, batch, TS_DEADLINE_NONE);
    if (status != TS_OK || ts_ring_unread(ring) != batch) {
        return status != TS_OK ? status : TS_ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < batch && status == TS_OK; i++) {
        const struct ts_event *event = ts_ring_peek(ring, i);
        status = event->user_data == i ? event->status : TS_ERR_CORRUPT;
    }
    ts_ring_consume(ring, batch);
    return status;
}

static ts_status_t bells(void *context)
{
    (void)context;
    uint64_t count;
    ts_status_t status = ts_event_signal(bell_out, 1);
    if (status == TS_OK) {
        status = ts_event_wait(bell_in, TS_DEADLINE_NONE, &count);
    }
    return status != TS_OK || count == 1 ? status : TS_ERR_CORRUPT;
}

static ts_status_t yield(void *context)
{
    (void)context;
    ts_thread_yield();
    return TS_OK;
}

static int client(void)
{
    struct ts_ring_queue ring;
    bell_out = ts_named_handle(BELL_OUT);
    bell_in = ts_named_handle(BELL_IN);
    measure("call_empty", 1, NULL, call_empty, NULL);
    measure("call_read_4k", 1, NULL, call_read, NULL);
    measure_need(ts_ring_create(&ring, 64, 128, 64), "ring");
    batch = 1;
    measure("ring_call_1", 1, NULL, ring_calls, &ring);
    batch = 32;
    measure("ring_call_32", 32, NULL, ring_calls, &ring);
    measure_need(call_read(NULL), "all of them were served");
    // From here on the server answers bells, then yields in turn with us, by a thread of its own.
    size_t bytes;
    measure_need(ts_write(target, NULL, 0, ANSWER_BELLS, TS_DEADLINE_NONE, &bytes),
                 "start the bells");
    measure("event_round_trip", 1, NULL, bells, NULL);
    measure_need(ts_write(target, NULL, 0, YIELD, TS_DEADLINE_NONE, &bytes), "start yielding");
    measure("yield_switch", 2, NULL, yield, NULL); // a yield is a switch there and one back
    return 0;
}

// ---- The serving side

static volatile bool yielding;

static void bell_body(void *argument)
{
    (void)argument;
    uint64_t count;
    while (!yielding && ts_event_wait(bell_out, TS_DEADLINE_NONE, &count) == TS_OK) {
        (void)ts_event_signal(bell_in, 1);
    }
    while (yielding) {
        ts_thread_yield();
    }
}

struct server {
    struct ts_ring_queue ring;
    ts_handle_t port;
    struct ts_thread bell;
    uint32_t left; // events of this batch that are still to be looked at
};

// An answer of a batch: all of them are submitted together.
__attribute__((noinline)) static ts_status_t answer_later(struct server *server, uint64_t request,
                                                          uint64_t value, const void *bytes,
                                                          uint32_t length)
{
    struct ts_ring_queue *ring = &server->ring;
    ts_prepare_reply(ts_ring_slot(ring), server->port, request, TS_OK, value, bytes, length, 0);
    return server->left > 0 ? TS_OK : ts_ring_enter(ring, 1, TS_DEADLINE_NONE);
}

// The answer: of what came alone in one call with the next wait.
static inline ts_status_t answer(struct server *server, uint64_t request, uint64_t value,
                                 const void *bytes, uint32_t length)
{
    struct ts_ring_queue *ring = &server->ring;
    if (server->left == 0 && ts_ring_staged(ring) == 0) {
        return ts_ring_reply_wait(ring, server->port, request, TS_OK, value, bytes, length);
    }
    return answer_later(server, request, value, bytes, length);
}

static ts_status_t serve_one(struct server *server, const struct ts_event *event)
{
    static struct page served = {.last = LAST};
    if (event->op == TS_OP_READ) {
        return answer(server, event->value, event->room, &served, event->room);
    }
    if (event->offset == COUNT) {
        served.count++;
    }
    if (event->offset == ANSWER_BELLS) {
        measure_need(ts_thread_start(&server->bell, bell_body, NULL, 16384, 0, TS_PRIORITY_NORMAL),
                     "bell");
    }
    if (event->offset == YIELD) {
        yielding = true;
        measure_need(ts_event_signal(bell_out, 1), "last bell");
    }
    return answer(server, event->value, 0, NULL, 0);
}

static void serve(struct server *server)
{
    struct ts_event event;
    ts_status_t status = ts_ring_enter(&server->ring, 1, TS_DEADLINE_NONE);
    while (status == TS_OK) {
        server->left = ts_ring_unread(&server->ring);
        while (status == TS_OK && server->left > 0 && ts_ring_next(&server->ring, &event)) {
            server->left--;
            if (event.kind == TS_EVENT_COMPLETION && event.user_data != 0) {
                return; // the child has ended
            }
            if (event.kind == TS_EVENT_REQUEST) {
                status = serve_one(server, &event);
            } else if (server->left == 0) {
                status = ts_ring_enter(&server->ring, 1, TS_DEADLINE_NONE);
            }
        }
    }
    measure_need(status, "serve");
}

static int serve_child(char **argv)
{
    static struct server server;
    ts_handle_t object;
    measure_need(ts_ring_create(&server.ring, 64, 128, 64), "ring");
    measure_need(ts_port_create(64, 8, TS_HANDLE_NONE, 0, &server.port), "port");
    measure_need(ts_port_bind(server.port, server.ring.handle, 1), "bind");
    measure_need(ts_port_mint(server.port, 0, 1, TS_RIGHTS_ALL, &object), "mint");
    measure_need(ts_event_create(0, &bell_out), "event");
    measure_need(ts_event_create(0, &bell_in), "event");
    const struct ts_spawn_handle handles[] = {
        {TARGET, object, TS_RIGHTS_ALL, true},
        {BELL_OUT, bell_out, TS_RIGHTS_ALL, false},
        {BELL_IN, bell_in, TS_RIGHTS_ALL, false},
    };
    ts_handle_t child = pair_start("ipc", argv, handles, 3);
    ts_prepare_wait(ts_ring_slot(&server.ring), child, TS_SIGNAL_EXITED, TS_DEADLINE_NONE, 2);
    serve(&server);
    return pair_end(child);
}

int main(int argc, char **argv)
{
    measure_begin(argc, argv);
    target = ts_named_handle(TARGET);
    return target != TS_HANDLE_NONE ? client() : serve_child(argv);
}
