// SPDX-License-Identifier: MIT
// The console's service against a chip and clients of the test's own: however much one client
// writes, the others' lines come between, and a client that waits for its own output does not wait
// for that.
#include "chip.h"

#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

#include "tests/host/check.h"

#define HOSTILE 1u
#define HONEST  2u
#define MUCH    1000000u
#define MANY    8u
#define STEPS   50000u
#define KIB     1024u
#define WAITS   2048u // bytes: what is queued, and a turn

// The chip: takes `room` bytes more, has `typed` ones; `idle`: shows when all is out.
static uint8_t scratch, sent[1 << 20];
static uint32_t sent_length, room, typed;
static bool idle;

ts_status_t ts_io_read(ts_handle_t range, uint16_t port, unsigned width, uint32_t *out_value)
{
    CHECK(range == 1 && width == 1);
    switch (port) {
    case 0: *out_value = 'e', typed -= typed > 0; break;
    case 5: *out_value = (typed > 0) | (room > 0 ? 0x20u : 0) | (idle ? 0x40u : 0); break;
    case 7: *out_value = scratch; break;
    default: *out_value = 1;
    }
    return TS_OK;
}

ts_status_t ts_io_write(ts_handle_t range, uint16_t port, unsigned width, uint32_t value)
{
    CHECK(range == 1 && width == 1);
    scratch = port == 7 ? (uint8_t)value : scratch;
    return TS_OK;
}

ts_status_t ts_call_bytes(ts_handle_t handle, uint32_t method, const void *in, size_t in_length,
                          void *out, size_t out_length, size_t *out_bytes)
{
    const struct ts_io_string *string = in;
    (void)out, (void)out_length, (void)out_bytes;
    CHECK(handle == 1 && method == TS_IO_STRING && in_length == sizeof(*string) + string->count);
    CHECK(sent_length + string->count <= sizeof(sent));
    memcpy(sent + sent_length, string + 1, string->count);
    sent_length += string->count;
    room -= room < string->count ? room : string->count;
    return TS_OK;
}

// The library.
ts_time_t ts_clock_now(void)
{
    return 1;
}

void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    (void)loop, (void)timer, (void)deadline;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    object->signals = (object->signals & ~clear) | set;
}

ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *loop,
                           const struct ts_server_limits *limits)
{
    (void)server, (void)loop, (void)limits;
    return TS_OK;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)server, (void)object, (void)rights, (void)out_handle;
    return TS_OK;
}

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop, (void)async;
    return NULL;
}

ts_status_t ts_interrupt_acknowledge(ts_handle_t interrupt)
{
    (void)interrupt;
    return TS_OK;
}

void ts_log(const char *format, ...)
{
    (void)format;
}

const char *ts_status_name(ts_status_t status)
{
    (void)status;
    return "";
}

void ts_loop_cancel(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop, (void)async;
}

void ts_object_revoke(struct ts_object *object)
{
    (void)object;
}

ts_status_t ts_get_u64(ts_handle_t handle, unsigned property, uint64_t *out_value)
{
    (void)handle, (void)property, (void)out_value;
    return TS_ERR_UNSUPPORTED; // no test makes a process an owner
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

// Clients.
struct call {
    struct ts_request request; // first
    char byte;                 // what it writes
    bool done;
    ts_status_t status;
    struct ts_object *minted;
};

static ts_status_t pull(struct ts_request *request, void *buffer, size_t length, uint64_t offset,
                        size_t *out_bytes)
{
    (void)offset;
    memset(buffer, ((struct call *)request)->byte, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t reply(struct ts_request *request, struct ts_reply *fields,
                         struct ts_object *object, enum ts_reply_bytes bytes)
{
    struct call *call = (struct call *)request;
    (void)bytes;
    CHECK(!call->done);
    call->done = true;
    call->status = fields->status;
    call->minted = fields->result == TS_REPLY_MINT ? object : NULL;
    return TS_OK;
}

static const struct ts_request_backend backend = {.pull = pull, .reply = reply};
static struct serial serial;
static struct ts_loop loop;

// What a tick does, a millisecond later.
static void poll_later(void)
{
    loop.now += TS_MILLISECOND;
    serial_poll(&serial);
}

static void ask(struct call *call, struct ts_object *object, enum ts_operation op, uint32_t client,
                char byte, uint32_t length)
{
    *call = (struct call){.byte = byte};
    call->request = (struct ts_request){.backend = &backend,
                                        .object = object,
                                        .length = length,
                                        .rights = TS_RIGHTS_ALL,
                                        .client = client,
                                        .op = (uint8_t)op};
    ts_request_dispatch(&call->request);
}

static struct ts_object *open_session(uint32_t client)
{
    struct call call;
    ask(&call, &serial.root, TS_OP_OPEN, client, 0, 0);
    CHECK(call.done && call.status == TS_OK);
    return call.minted;
}

// Lets the line go on until it is done; the bytes that left meanwhile.
static uint32_t bytes_until(const struct call *call)
{
    uint32_t before = sent_length;
    for (unsigned i = 0; i < STEPS && !call->done && sent_length + 64 < sizeof(sent); i++) {
        room = 64;
        poll_later();
    }
    return sent_length - before;
}

static void finish(const struct call *calls, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        sent_length = 0;
        while (!calls[i].done) {
            sent_length = 0;
            (void)bytes_until(&calls[i]);
        }
        CHECK(calls[i].status == TS_OK);
    }
    while (serial.console.tty.out_head != serial.console.tty.out_tail) {
        sent_length = 0;
        room = 64;
        poll_later();
    }
    room = sent_length = 0;
}

static unsigned count_of(char byte)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < sent_length; i++) {
        count += sent[i] == (uint8_t)byte;
    }
    return count;
}

// A client with many long writes, and one with short ones, which come in their order.
static void test_turns(struct ts_object *first, struct ts_object *second)
{
    static struct call flood[MANY], lines[3];
    sent_length = 0;
    for (unsigned i = 0; i < MANY; i++) {
        ask(&flood[i], first, TS_OP_WRITE, HOSTILE, 'x', MUCH);
    }
    for (unsigned i = 0; i < 3; i++) {
        ask(&lines[i], second, TS_OP_WRITE, HONEST, (char)('1' + i), 5);
    }
    for (unsigned i = 0; i < 3; i++) {
        CHECK(bytes_until(&lines[i]) <= WAITS);
    }
    room = TTY_OUT;
    poll_later();
    CHECK(count_of('1') == 5 && count_of('2') == 5 && count_of('3') == 5);
    CHECK(memchr(sent, '1', sent_length) < memchr(sent, '2', sent_length));
    CHECK(memchr(sent, '2', sent_length) < memchr(sent, '3', sent_length));
    finish(flood, MANY);
}

// Its own output has left, while another's never ends.
static void test_sync(struct ts_object *first, struct ts_object *second)
{
    static struct call flood, line, sync;
    ask(&line, second, TS_OP_WRITE, HONEST, 'y', 5);
    ask(&flood, first, TS_OP_WRITE, HOSTILE, 'x', MUCH);
    ask(&sync, second, TS_OP_SYNC, HONEST, 0, 0);
    CHECK(line.done && !sync.done);
    CHECK(bytes_until(&sync) <= WAITS);
    CHECK(sync.status == TS_OK && count_of('y') == 5 && !flood.done);
    finish(&flood, 1);
    // Alone, it waits for the last bit.
    ask(&line, second, TS_OP_WRITE, HONEST, 'y', 5);
    ask(&sync, second, TS_OP_SYNC, HONEST, 0, 0);
    for (unsigned i = 0; i < TTY_OUT; i++) {
        room = 64;
        poll_later();
    }
    CHECK(line.done && !sync.done);
    idle = true;
    serial_poll(&serial);
    CHECK(sync.done && sync.status == TS_OK);
    idle = false;
}

// It comes behind what its client has written, though that waits for its turn, and before what that
// writes later.
static void test_sync_of_what_waits(struct ts_object *first, struct ts_object *second)
{
    enum { LONG = 5000 };
    static struct call flood, lines[2], later, sync;
    sent_length = 0;
    ask(&flood, first, TS_OP_WRITE, HOSTILE, 'x', MUCH);
    ask(&lines[0], second, TS_OP_WRITE, HONEST, 'y', LONG);
    ask(&lines[1], second, TS_OP_WRITE, HONEST, 'y', 5);
    ask(&sync, second, TS_OP_SYNC, HONEST, 0, 0);
    ask(&later, second, TS_OP_WRITE, HONEST, 'z', MUCH);
    CHECK(!lines[0].done && !sync.done);
    CHECK(bytes_until(&sync) <= 3 * LONG);
    CHECK(sync.status == TS_OK && count_of('y') == LONG + 5);
    CHECK(lines[0].done && lines[1].done && !flood.done && !later.done);
    finish(&flood, 1);
    finish(&later, 1);
    // It ends while it waits so.
    ask(&flood, second, TS_OP_WRITE, HONEST, 'y', MUCH);
    ask(&sync, second, TS_OP_SYNC, HONEST, 0, 0);
    sync.request.object->operations->cancel(&sync.request);
    CHECK(sync.done && sync.status == TS_ERR_CANCELLED);
    finish(&flood, 1);
}

// What is typed, as fast as the line is, comes back; what is written comes between.
static void test_echo(struct ts_object *second)
{
    static struct call line, more;
    serial.console.tty.mode = TS_CONSOLE_MODE_ECHO;
    for (unsigned i = 0; i < TTY_OUT / 32; i++) { // at first the line is held up
        typed = 64;
        serial_poll(&serial);
    }
    ask(&line, second, TS_OP_WRITE, HONEST, 'y', 5);
    ask(&more, second, TS_OP_WRITE, HONEST, 'z', 10 * KIB);
    sent_length = 0;
    while (!more.done && sent_length < 100 * KIB) {
        room = typed = 64;
        poll_later();
        CHECK(line.done || sent_length < WAITS);
    }
    CHECK(more.done && sent_length < 30 * KIB);
    CHECK(count_of('y') == 5 && count_of('z') > 0 && count_of('e') > count_of('z'));
    serial.console.tty.mode = typed = 0;
    finish(&more, 1);
}

// A chip that takes all at once gets so much in a while that clients below the driver run too.
static void test_pace(struct ts_object *first)
{
    enum { PACE = 4096, INSTANT = PACE + 16 };
    static struct call flood[MANY];
    sent_length = 0;
    for (unsigned i = 0; i < MANY; i++) {
        room = MUCH;
        ask(&flood[i], first, TS_OP_WRITE, HOSTILE, 'x', MUCH);
    }
    for (unsigned step = 1; step <= 10; step++) {
        poll_later();
        for (unsigned i = 0; i < 100; i++) {
            serial_poll(&serial); // interrupts, and others' requests
        }
        CHECK(sent_length >= step * PACE && sent_length <= (step + 1) * INSTANT);
    }
    finish(flood, MANY);
}

int main(void)
{
    ts_handle_t root;
    idle = true;
    CHECK(serial_start(&serial, &loop, 1, TS_HANDLE_NONE, &root) == TS_OK);
    idle = false;
    serial.console.tty.mode = 0; // bytes as they are
    struct ts_object *first = open_session(HOSTILE), *second = open_session(HONEST);
    test_turns(first, second);
    test_sync(first, second);
    test_sync_of_what_waits(first, second);
    test_echo(second);
    test_pace(first);
    first->operations->closed(first);
    second->operations->closed(second);
    return 0;
}
