// SPDX-License-Identifier: MIT
// What waits, and moving it: requests that are kept, bytes of the chip, the owner's end.
#include "service.h"

#include <tessera/lib/clock.h>

#define TICK_IDLE (100 * TS_MILLISECOND)
#define TICK_BUSY (10 * TS_MILLISECOND) // while there is output
#define CHUNK     512u
#define QUEUED    1024u // bytes that wait for the chip; each keeps what is written next waiting
#define ROUNDS    8u    // of filling and emptying the queue, before others have their turn

// ---- Waiting requests

// The holder's first read, taken out; NULL: it has none.
static struct ts_request *take_read(struct serial *s)
{
    struct ts_request *request = s->reads.first;
    while (request != NULL && (s->holder == NULL || request->object != &s->holder->object)) {
        request = request->next;
    }
    return ts_request_list_remove(&s->reads, request) ? request : NULL;
}

static void answer_reads(struct serial *s)
{
    uint8_t bytes[CHUNK];
    struct ts_request *request;
    while (tty_readable(&s->tty) && (request = take_read(s)) != NULL) {
        uint32_t consume;
        size_t room = request->room < sizeof(bytes) ? request->room : sizeof(bytes);
        size_t n = tty_peek(&s->tty, bytes, room, &consume);
        // What a reader did not get stays for the next one.
        if (ts_request_reply_now(request, TS_OK, n, bytes, n) == TS_OK) {
            tty_consume(&s->tty, consume);
        }
    }
}

bool serial_writable(const struct serial *s)
{
    uint32_t queued = s->tty.out_tail - s->tty.out_head;
    // Echo may keep the queue long: then there is a piece of a write for so much that has left.
    return (queued < QUEUED || s->tty.out_head - s->last_piece >= QUEUED) && tty_writable(&s->tty);
}

// Takes more of a write into the queue, as far as its client's turn goes. True: it is answered.
static bool continue_write(struct serial *s, struct ts_request *request)
{
    uint8_t bytes[CHUNK];
    uint64_t done = request->span; // of a write, ours: bytes taken so far
    while (done < request->length && s->turn > 0 && serial_writable(s)) {
        uint64_t left = request->length - done;
        size_t want = left < sizeof(bytes) ? left : sizeof(bytes);
        want = want < s->turn ? want : s->turn;
        ts_status_t status = ts_request_pull(request, bytes, want, done);
        if (status != TS_OK) {
            ts_request_reply(request, status, done);
            return true;
        }
        size_t taken = tty_write(&s->tty, bytes, want);
        s->last_piece = s->tty.out_head;
        done += taken;
        s->turn -= (uint32_t)taken;
        s->statistics.bytes_out += taken;
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

static void wait_to_leave(struct serial *s, struct ts_request *sync)
{
    sync->span = s->tty.out_tail;
    ts_request_list_add(&s->syncs, sync);
}

void serial_sync(struct serial *s, struct ts_request *request)
{
    const struct ts_request *write = s->writes.first;
    while (write != NULL && write->client != request->client) {
        write = write->next;
    }
    if (write != NULL) {
        request->span = 0;
        ts_request_list_add(&s->writes, request); // until that is queued
    } else {
        wait_to_leave(s, request);
    }
}

// A write each in turn, and of a long one a part: a client that writes without end, or much at
// once, delays others' lines and the echo of what is typed by a turn of each client.
static void answer_writes(struct serial *s)
{
    while (s->writes.first != NULL && serial_writable(s)) {
        struct ts_request *request = s->writes.first;
        uint32_t client = request->client;
        bool sync = request->op == TS_OP_SYNC;
        if (sync || continue_write(s, request)) {
            (void)ts_request_list_take(&s->writes);
            if (sync) {
                wait_to_leave(s, request);
            }
        } else if (s->turn > 0) {
            return;
        }
        s->turn = SERIAL_TURN;
        others_first(&s->writes, client);
    }
}

// Whether all has left that was queued up to there. What was sent since has pushed it out.
static bool has_left(const struct serial *s, uint32_t tail)
{
    int32_t since = (int32_t)(s->tty.out_head - tail);
    return since > (int32_t)UART_FIFO || (since >= 0 && uart_drained(&s->uart));
}

static void answer_syncs(struct serial *s)
{
    while (s->syncs.first != NULL && has_left(s, (uint32_t)s->syncs.first->span)) {
        ts_request_reply(ts_request_list_take(&s->syncs), TS_OK, 0);
    }
}

// ---- The chip

static bool receive(struct serial *s)
{
    uint8_t bytes[64];
    uint32_t n = uart_receive(&s->uart, bytes, sizeof(bytes));
    for (uint32_t i = 0; i < n; i++) {
        tty_input(&s->tty, bytes[i]);
    }
    s->statistics.bytes_in += n;
    return n == sizeof(bytes);
}

// Gives the chip what it takes. False: that is not all.
static bool transmit(struct serial *s)
{
    uint8_t bytes[UART_FIFO];
    size_t n = tty_output(&s->tty, bytes, sizeof(bytes));
    while (n > 0) {
        uint32_t sent = uart_send(&s->uart, bytes, (uint32_t)n);
        if (sent == 0) {
            break;
        }
        tty_sent(&s->tty, sent);
        n = tty_output(&s->tty, bytes, sizeof(bytes));
    }
    uart_want_room(&s->uart, n > 0);
    return n == 0;
}

// The queue is short, and a chip that is emulated takes all of it at once.
static void move_output(struct serial *s)
{
    answer_writes(s);
    for (unsigned round = 0; transmit(s) && s->writes.first != NULL && round < ROUNDS; round++) {
        answer_writes(s);
    }
    answer_writes(s); // into the room that there is now
}

// Events go to the session that holds the terminal; its reads that wait when one is typed end.
static void tell_events(struct serial *s)
{
    uint32_t events = tty_take_events(&s->tty);
    if (events == 0 || s->holder == NULL) {
        return;
    }
    struct ts_request *request;
    s->holder->events |= events;
    while ((request = take_read(s)) != NULL) {
        ts_request_reply(request, TS_ERR_INTERRUPTED, 0);
    }
}

static void set_signals(struct serial *s)
{
    ts_signals_t writable = serial_writable(s) ? TS_SIGNAL_WRITABLE : 0;
    ts_signals_t readable = tty_readable(&s->tty) ? TS_SIGNAL_READABLE : 0;
    for (struct session *session = s->sessions; session != NULL; session = session->next) {
        ts_signals_t set = writable | (session == s->holder ? readable : 0) |
                           (session->events ? TS_SIGNAL_CONSOLE_EVENT : 0);
        ts_signals_t all = TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE | TS_SIGNAL_CONSOLE_EVENT;
        ts_object_signal(&session->object, all & ~set, set);
    }
}

// The end of one process is waited for, of that which owns the holder. Another session's owner may
// end before: it is found out once the terminal is handed to it.

static void watch_owner(struct serial *s)
{
    if (s->owner_wait.busy) {
        if (s->watched == NULL) {
            ts_loop_cancel(s->loop, &s->owner_wait);
        }
        return;
    }
    struct ts_submission *submission = NULL;
    if (s->holder != NULL && s->holder->owner) {
        submission = ts_loop_begin(s->loop, &s->owner_wait); // NULL: at the next tick
    }
    if (submission != NULL) {
        s->watched = s->holder;
        ts_prepare_wait(submission, s->holder->owner, TS_SIGNAL_EXITED, TS_DEADLINE_NONE,
                        ts_async_data(&s->owner_wait));
    }
}

void serial_poll(struct serial *s)
{
    bool more = receive(s);
    tell_events(s);
    answer_reads(s);
    move_output(s);
    answer_syncs(s);
    set_signals(s);
    watch_owner(s);
    s->statistics.overruns = s->uart.overruns + s->tty.overruns;
    bool busy = more || s->tty.out_head != s->tty.out_tail || s->syncs.first != NULL;
    // Not now but after whatever else has arrived: a flood of input holds nobody up.
    ts_time_t pause = more ? 1 : busy ? TICK_BUSY : TICK_IDLE;
    ts_timer_arm(s->loop, &s->tick, ts_loop_now(s->loop) + pause);
}
