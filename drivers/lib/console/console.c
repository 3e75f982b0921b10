// SPDX-License-Identifier: MIT
// What waits, and moving it: requests that are kept, bytes for the device, the owner's end.
#include <drivers/console/console.h>

#define CHUNK  512u
#define QUEUED 1024u // bytes that wait for the device; each keeps what is written next waiting
#define ROUNDS 8u    // of filling and emptying the queue, before others have their turn

// ---- Waiting requests

// The holder's first read, taken out; NULL: it has none.
static struct ts_request *take_read(struct console *c)
{
    struct ts_request *request = c->reads.first;
    while (request != NULL && (c->holder == NULL || request->object != &c->holder->object)) {
        request = request->next;
    }
    return ts_request_list_remove(&c->reads, request) ? request : NULL;
}

static void answer_reads(struct console *c)
{
    uint8_t bytes[CHUNK];
    struct ts_request *request;
    while (tty_readable(&c->tty) && (request = take_read(c)) != NULL) {
        uint32_t consume;
        size_t room = request->room < sizeof(bytes) ? request->room : sizeof(bytes);
        size_t n = tty_peek(&c->tty, bytes, room, &consume);
        // What a reader did not get stays for the next one.
        if (ts_request_reply_now(request, TS_OK, n, bytes, n) == TS_OK) {
            tty_consume(&c->tty, consume);
        }
    }
}

bool console_writable(const struct console *c)
{
    uint32_t queued = c->tty.out_tail - c->tty.out_head;
    // Echo may keep the queue long: then there is a piece of a write for so much that has left.
    return (queued < QUEUED || c->tty.out_head - c->last_piece >= QUEUED) && tty_writable(&c->tty);
}

// Takes more of a write into the queue, as far as its client's turn goes. True: it is answered.
static bool continue_write(struct console *c, struct ts_request *request)
{
    uint8_t bytes[CHUNK];
    uint64_t done = request->span; // of a write, ours: bytes taken so far
    while (done < request->length && c->turn > 0 && console_writable(c)) {
        uint64_t left = request->length - done;
        size_t want = left < sizeof(bytes) ? left : sizeof(bytes);
        want = want < c->turn ? want : c->turn;
        ts_status_t status = ts_request_pull(request, bytes, want, done);
        if (status != TS_OK) {
            ts_request_reply(request, status, done);
            return true;
        }
        size_t taken = tty_write(&c->tty, bytes, want);
        c->last_piece = c->tty.out_head;
        done += taken;
        c->turn -= (uint32_t)taken;
        c->statistics.bytes_out += taken;
    }
    request->span = done;
    if (done == request->length) {
        ts_request_reply(request, TS_OK, done);
        return true;
    }
    return false;
}

// What this client goes on to write comes behind what others do, in its order.
static void others_first(struct ts_request_list *list, uint32_t client)
{
    struct ts_request_list all = {0}, own = {0};
    struct ts_request *next;
    for (struct ts_request *r = list->first; r != NULL; r = next) {
        next = r->next;
        ts_request_list_add(r->client == client ? &own : &all, r);
    }
    for (struct ts_request *r = own.first; r != NULL; r = next) {
        next = r->next;
        ts_request_list_add(&all, r);
    }
    *list = all;
}

static void wait_to_leave(struct console *c, struct ts_request *sync)
{
    sync->span = c->tty.out_tail;
    ts_request_list_add(&c->syncs, sync);
}

void console_sync(struct console *c, struct ts_request *request)
{
    const struct ts_request *write = c->writes.first;
    while (write != NULL && write->client != request->client) {
        write = write->next;
    }
    if (write != NULL) {
        request->span = 0;
        ts_request_list_add(&c->writes, request); // until that is queued
    } else {
        wait_to_leave(c, request);
    }
}

// A write each in turn, and of a long one a part: a client that writes without end, or much at
// once, delays others' lines and the echo of what is typed by a turn of each client.
static void answer_writes(struct console *c)
{
    while (c->writes.first != NULL && console_writable(c)) {
        struct ts_request *request = c->writes.first;
        uint32_t client = request->client;
        bool sync = request->op == TS_OP_SYNC;
        if (sync || continue_write(c, request)) {
            (void)ts_request_list_take(&c->writes);
            if (sync) {
                wait_to_leave(c, request);
            }
        } else if (c->turn > 0) {
            return;
        }
        c->turn = CONSOLE_TURN;
        others_first(&c->writes, client);
    }
}

// Whether all has left that was queued up to there. What was sent since has pushed it out.
static bool has_left(const struct console *c, uint32_t tail)
{
    int32_t since = (int32_t)(c->tty.out_head - tail);
    return since > (int32_t)c->device->holds || (since >= 0 && c->device->drained(c));
}

static void answer_syncs(struct console *c)
{
    while (c->syncs.first != NULL && has_left(c, (uint32_t)c->syncs.first->span)) {
        ts_request_reply(ts_request_list_take(&c->syncs), TS_OK, 0);
    }
}

// ---- Moving

// The queue is short, and many a device takes all of it at once.
static void move_output(struct console *c)
{
    answer_writes(c);
    for (unsigned round = 0; c->device->transmit(c) && c->writes.first != NULL && round < ROUNDS;
         round++) {
        answer_writes(c);
    }
    answer_writes(c); // into the room that there is now
}

// Events go to the session that holds the terminal; its reads that wait when one is typed end.
static void tell_events(struct console *c)
{
    uint32_t events = tty_take_events(&c->tty);
    if (events == 0 || c->holder == NULL) {
        return;
    }
    struct ts_request *request;
    c->holder->events |= events;
    while ((request = take_read(c)) != NULL) {
        ts_request_reply(request, TS_ERR_INTERRUPTED, 0);
    }
}

static void set_signals(struct console *c)
{
    ts_signals_t writable = console_writable(c) ? TS_SIGNAL_WRITABLE : 0;
    ts_signals_t readable = tty_readable(&c->tty) ? TS_SIGNAL_READABLE : 0;
    for (struct console_session *session = c->sessions; session != NULL; session = session->next) {
        ts_signals_t set = writable | (session == c->holder ? readable : 0) |
                           (session->events ? TS_SIGNAL_CONSOLE_EVENT : 0);
        ts_signals_t all = TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE | TS_SIGNAL_CONSOLE_EVENT;
        ts_object_signal(&session->object, all & ~set, set);
    }
}

// The end of one process is waited for, of that which owns the holder. Another session's owner may
// end before: it is found out once the terminal is handed to it.

static void watch_owner(struct console *c)
{
    if (c->owner_wait.busy) {
        if (c->watched == NULL) {
            ts_loop_cancel(c->loop, &c->owner_wait);
        }
        return;
    }
    struct ts_submission *submission = NULL;
    if (c->holder != NULL && c->holder->owner) {
        submission = ts_loop_begin(c->loop, &c->owner_wait); // NULL: at the next tick
    }
    if (submission != NULL) {
        c->watched = c->holder;
        ts_prepare_wait(submission, c->holder->owner, TS_SIGNAL_EXITED, TS_DEADLINE_NONE,
                        ts_async_data(&c->owner_wait));
    }
}

bool console_move(struct console *c)
{
    tell_events(c);
    answer_reads(c);
    move_output(c);
    answer_syncs(c);
    set_signals(c);
    watch_owner(c);
    return c->tty.out_head != c->tty.out_tail || c->syncs.first != NULL;
}

void console_init(struct console *c, struct ts_loop *loop, const struct console_device *device)
{
    *c = (struct console){.loop = loop, .device = device, .turn = CONSOLE_TURN};
    c->owner_wait.done = session_owner_done;
    tty_init(&c->tty);
}
