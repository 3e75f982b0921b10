// SPDX-License-Identifier: MIT
// The PS/2 driver whole, at a controller and with devices and clients of the test's own: those that
// are there are found and heard; those that are absent, slow, silent or lie end nothing and hold
// nothing up.
#include "ps2_fake.h"
#include "service.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include <tessera/proto/init.h>

#include "tests/host/check.h"

#define DATA    1u
#define COMMAND 2u
#define CONTROL 3u
#define KEY(id) TS_INPUT_KEY_CODE(id)

enum { KEY_A = 0x04, KEY_ENTER = 0x28, KEY_PAUSE = 0x48, KEY_DELETE = 0x4c, KEY_UP = 0x52 };
enum { KEY_CONTROL = 0xe0, KEY_SHIFT = 0xe1, KEY_ALT = 0xe2 };

static struct ps2 ps2;
static struct ts_loop loop;
static ts_time_t now = TS_SECOND;
static ts_handle_t control = CONTROL;
static uint32_t reboots, slept_ms;

// ---- The library

ts_status_t ts_io_read(ts_handle_t range, uint16_t port, unsigned width, uint32_t *out_value)
{
    CHECK((range == DATA || range == COMMAND) && port == 0 && width == 1);
    *out_value = fake_read(range == DATA);
    return TS_OK;
}

ts_status_t ts_io_write(ts_handle_t range, uint16_t port, unsigned width, uint32_t value)
{
    CHECK((range == DATA || range == COMMAND) && port == 0 && width == 1);
    fake_write(range == DATA, (uint8_t)value);
    return TS_OK;
}

ts_time_t ts_clock_now(void)
{
    return now;
}

ts_time_t ts_deadline_in(ts_time_t duration)
{
    return now + duration;
}

void ts_sleep_until(ts_time_t deadline)
{
    slept_ms++;
    now = deadline;
}

void ts_timer_arm(struct ts_loop *of, struct ts_timer *timer, ts_time_t deadline)
{
    (void)of;
    timer->armed = true;
    timer->deadline = deadline;
}

void ts_timer_disarm(struct ts_loop *of, struct ts_timer *timer)
{
    (void)of;
    timer->armed = false;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    object->signals = (object->signals & ~clear) | set;
}

ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *of,
                           const struct ts_server_limits *limits)
{
    (void)server, (void)of, (void)limits;
    return TS_OK;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)server, (void)object, (void)rights, (void)out_handle;
    return TS_OK;
}

struct ts_submission *ts_loop_begin(struct ts_loop *of, struct ts_async *async)
{
    static struct ts_submission submission;
    (void)of;
    if (async != &ps2.input.reboot) {
        return NULL;
    }
    reboots++;
    return &submission;
}

void service_interrupt_start(struct service_interrupt *interrupt, struct ts_loop *of,
                             ts_handle_t handle, bool line,
                             bool (*came)(struct service_interrupt *interrupt))
{
    (void)of, (void)came;
    CHECK(line);
    interrupt->handle = handle; // the test looks by the ticks
}

ts_handle_t ts_named_handle(const char *name)
{
    CHECK(strcmp(name, TS_NAME_CONTROL) == 0);
    return control;
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

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

// ---- Clients

struct call {
    struct ts_request request; // first
    uint8_t bytes[TS_INPUT_QUEUE * sizeof(struct ts_input_event)];
    size_t length;
    bool done;
    ts_status_t status;
    struct ts_object *minted;
};

static ts_status_t pull(struct ts_request *request, void *buffer, size_t length, uint64_t offset,
                        size_t *out_bytes)
{
    memcpy(buffer, ((struct call *)request)->bytes + offset, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t push(struct ts_request *request, const void *buffer, size_t length,
                        uint64_t offset, size_t *out_bytes)
{
    struct call *call = (struct call *)request;
    CHECK(offset + length <= sizeof(call->bytes));
    memcpy(call->bytes + offset, buffer, length);
    call->length = offset + length;
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
    if (fields->length > 0) {
        CHECK(fields->length <= request->room);
        memcpy(call->bytes, (const void *)(uintptr_t)fields->address, fields->length);
        call->length = fields->length;
    }
    return TS_OK;
}

static const struct ts_request_backend backend = {.pull = pull, .push = push, .reply = reply};

static void ask(struct call *call, struct ts_object *object, enum ts_operation op,
                ts_rights_t rights)
{
    call->done = false;
    call->length = 0;
    call->request.backend = &backend;
    call->request.object = object;
    call->request.rights = rights;
    call->request.op = (uint8_t)op;
    ts_request_dispatch(&call->request);
}

static struct ts_object *open_session(ts_rights_t rights)
{
    static struct call call;
    call = (struct call){0};
    ask(&call, &ps2.input.root.object, TS_OP_OPEN, rights);
    CHECK(call.done && call.status == TS_OK);
    return call.minted;
}

static struct ts_input_event events[TS_INPUT_QUEUE];
static uint32_t event_count;

static void read_events(struct ts_object *session)
{
    static struct call call;
    event_count = 0;
    do {
        call = (struct call){.request = {.room = sizeof(events), .flags = TS_FLAG_NOWAIT}};
        ask(&call, session, TS_OP_READ, TS_RIGHTS_ALL);
        CHECK(call.done && call.length % sizeof(events[0]) == 0);
        uint32_t more = (uint32_t)(call.length / sizeof(events[0]));
        CHECK(event_count + more <= TS_INPUT_QUEUE);
        memcpy(events + event_count, call.bytes, call.length);
        event_count += more;
    } while (call.status == TS_OK);
    CHECK_EQUAL(call.status, TS_ERR_AGAIN);
}

static void expect(uint32_t at, uint16_t type, uint32_t code, int32_t value)
{
    CHECK(at < event_count);
    CHECK_EQUAL(events[at].type, type);
    CHECK_EQUAL(events[at].code, code);
    CHECK_EQUAL(events[at].value, value);
}

static void close_session(struct ts_object *session)
{
    session->operations->closed(session);
}

// ---- The machine

static void step(ts_time_t by)
{
    now += by;
    loop.now = now;
    if (ps2.input.repeat.armed && ps2.input.repeat.deadline <= now) {
        ps2.input.repeat.armed = false;
        ps2.input.repeat.fired(&ps2.input.repeat);
    }
    if (ps2.tick.armed && ps2.tick.deadline <= now) {
        ps2.tick.armed = false;
        ps2.tick.fired(&ps2.tick);
    }
}

static void run(ts_time_t duration)
{
    for (ts_time_t end = now + duration; now < end;) {
        step(TS_MILLISECOND);
    }
}

static ts_status_t start(void)
{
    static const ts_handle_t lines[CONTROLLER_PORTS];
    ts_handle_t root;
    slept_ms = reboots = 0;
    loop.now = now;
    return ps2_start(&ps2, &loop, DATA, COMMAND, lines, &root);
}

static void started(enum fake_kind first, enum fake_kind second)
{
    fake_begin(first, second);
    fake.devices[1].best = 4;
    CHECK_EQUAL(start(), TS_OK);
    run(TS_SECOND);
}

static void send(unsigned port, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        fake_send(port, (uint8_t)bytes[i]);
    }
    run(10 * TS_MILLISECOND);
    if (ps2.tick.deadline > now) {
        run(ps2.tick.deadline - now + TS_MILLISECOND);
    }
}
#define SEND(port, text) send(port, text, sizeof(text) - 1)

static const struct ts_input_device *device(unsigned port)
{
    return &ps2.input.devices[port];
}

// ---- Tests

static void keys_and_motion(void)
{
    started(FAKE_KEYBOARD, FAKE_MOUSE);
    CHECK(device(0)->has == (TS_INPUT_HAS_KEYS | TS_INPUT_HAS_LEDS));
    CHECK_EQUAL(device(1)->buttons, 5);
    CHECK(fake.devices[0].enabled && fake.devices[1].enabled && fake.devices[1].id == 4);
    CHECK_EQUAL(fake.settings, 0x47); // both interrupts, translated as it was
    struct ts_object *session = open_session(TS_RIGHTS_ALL);
    SEND(0, "\x1e\x9e\xe0\x48\xe0\xc8"); // A, Up
    SEND(0, "\xe1\x1d\x45\xe1\x9d\xc5"); // Pause
    read_events(session);
    CHECK_EQUAL(event_count, 7);
    expect(0, TS_INPUT_RESET, 0, TS_INPUT_BEGIN);
    expect(1, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_PRESS);
    expect(2, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_UP);
    expect(3, TS_INPUT_KEY, KEY(KEY_UP), TS_INPUT_PRESS);
    expect(4, TS_INPUT_KEY, KEY(KEY_UP), TS_INPUT_UP);
    expect(5, TS_INPUT_KEY, KEY(KEY_PAUSE), TS_INPUT_PRESS);
    expect(6, TS_INPUT_KEY, KEY(KEY_PAUSE), TS_INPUT_UP);
    SEND(1, "\x29\x05\xfd\x1f"); // left, right 5, down 3, a notch up, the fourth button
    SEND(1, "\x18\xfe\x00\x00"); // all released, left 2
    read_events(session);
    expect(0, TS_INPUT_MOTION, TS_INPUT_X, 5);
    expect(1, TS_INPUT_MOTION, TS_INPUT_Y, 3);
    expect(2, TS_INPUT_MOTION, TS_INPUT_WHEEL, 1);
    expect(3, TS_INPUT_KEY, TS_INPUT_BUTTON(1), TS_INPUT_PRESS);
    expect(4, TS_INPUT_KEY, TS_INPUT_BUTTON(4), TS_INPUT_PRESS);
    CHECK(events[0].device == 1 && events[3].device == 1);
    expect(5, TS_INPUT_MOTION, TS_INPUT_X, -2);
    expect(6, TS_INPUT_KEY, TS_INPUT_BUTTON(1), TS_INPUT_UP);
    expect(7, TS_INPUT_KEY, TS_INPUT_BUTTON(4), TS_INPUT_UP);
    CHECK_EQUAL(event_count, 8);
    close_session(session);
}

static void without_translation(void)
{
    fake_begin(FAKE_KEYBOARD, FAKE_KEYBOARD); // two keyboards, too
    fake.settings = 0x05;
    CHECK_EQUAL(start(), TS_OK);
    run(TS_SECOND);
    struct ts_object *session = open_session(TS_RIGHTS_ALL);
    SEND(0, "\x1c\xf0\x1c\xe0\x75\xe0\xf0\x75\x83\xf0\x83"); // A, Up, F7
    SEND(1, "\x5a\xf0\x5a");                                 // Enter
    read_events(session);
    CHECK_EQUAL(event_count, 9);
    expect(1, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_PRESS);
    expect(2, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_UP);
    expect(3, TS_INPUT_KEY, KEY(KEY_UP), TS_INPUT_PRESS);
    expect(5, TS_INPUT_KEY, KEY(0x40), TS_INPUT_PRESS);
    expect(7, TS_INPUT_KEY, KEY(KEY_ENTER), TS_INPUT_PRESS);
    CHECK_EQUAL(events[7].device, 1);
    close_session(session);
}

static void other_mice(void)
{
    static const uint8_t kinds[] = {0, 3, 4}, buttons[] = {3, 3, 5};
    for (unsigned i = 0; i < 3; i++) {
        fake_begin(FAKE_OLD_KEYBOARD, FAKE_MOUSE);
        fake.devices[1].best = kinds[i];
        CHECK_EQUAL(start(), TS_OK);
        run(2 * TS_SECOND);
        CHECK_EQUAL(device(1)->buttons, buttons[i]);
        CHECK_EQUAL(!(device(1)->has & TS_INPUT_HAS_WHEEL), kinds[i] == 0);
        CHECK(device(0)->has & TS_INPUT_HAS_KEYS); // which does not say what it is
    }
}

static void lights_and_repeats(void)
{
    started(FAKE_KEYBOARD, FAKE_NOTHING);
    CHECK_EQUAL(device(1)->has, 0);
    struct ts_object *session = open_session(TS_RIGHTS_ALL);
    static struct call call;
    call = (struct call){.request = {.length = 8, .arg = TS_PROPERTY_INPUT_LEDS}};
    call.bytes[0] = TS_INPUT_LED_CAPS | TS_INPUT_LED_NUM;
    ask(&call, session, TS_OP_SET, TS_RIGHTS_ALL);
    CHECK(call.done && call.status == TS_OK);
    SEND(0, "\x1e"); // while the lights are set
    run(100 * TS_MILLISECOND);
    CHECK_EQUAL(fake.devices[0].lights, 6);
    ask(&call, session, TS_OP_SET, TS_RIGHT_READ);
    CHECK_EQUAL(call.status, TS_ERR_RIGHTS);
    call.bytes[0] = 8;
    ask(&call, session, TS_OP_SET, TS_RIGHTS_ALL);
    CHECK_EQUAL(call.status, TS_ERR_ARGUMENT);
    SEND(0, "\x1e\x1e"); // the keyboard's own repeats
    read_events(session);
    CHECK_EQUAL(event_count, 2); // what repeats while nobody reads is left out
    for (unsigned i = 0; i < 3; i++) {
        run(500 * TS_MILLISECOND);
        read_events(session);
        CHECK_EQUAL(event_count, 1);
        expect(0, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_REPEAT);
    }
    SEND(0, "\x9e");
    run(TS_SECOND);
    read_events(session);
    expect(event_count - 1, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_UP);
    close_session(session);
    run(100 * TS_MILLISECOND);
    CHECK_EQUAL(fake.devices[0].lights, 0);
}

static void sessions(void)
{
    static struct call waiting, second;
    started(FAKE_KEYBOARD, FAKE_NOTHING);
    struct ts_object *console = open_session(TS_RIGHTS_ALL);
    read_events(console);
    waiting = (struct call){.request = {.room = 2 * sizeof(events[0])}};
    ask(&waiting, console, TS_OP_READ, TS_RIGHTS_ALL);
    second = (struct call){.request = {.room = sizeof(events[0])}};
    ask(&second, console, TS_OP_READ, TS_RIGHTS_ALL);
    CHECK(!waiting.done && second.status == TS_ERR_BUSY);
    second = (struct call){.request = {.room = sizeof(events[0]) - 1}};
    ask(&second, console, TS_OP_READ, TS_RIGHTS_ALL);
    CHECK_EQUAL(second.status, TS_ERR_OVERFLOW);
    SEND(0, "\x2a"); // Shift
    CHECK(waiting.done && waiting.length == sizeof(events[0]));
    ask(&waiting, console, TS_OP_READ, TS_RIGHTS_ALL);
    struct ts_object *deaf = open_session(TS_RIGHT_CALL); // takes nothing
    struct ts_object *windows = open_session(TS_RIGHTS_ALL);
    SEND(0, "\x1e\x9e");
    CHECK(!waiting.done && !(console->signals & TS_SIGNAL_READABLE));
    CHECK(windows->signals & TS_SIGNAL_READABLE);
    read_events(windows);
    CHECK_EQUAL(event_count, 4);
    expect(0, TS_INPUT_RESET, 0, TS_INPUT_BEGIN);
    expect(1, TS_INPUT_KEY, KEY(KEY_SHIFT), TS_INPUT_HELD);
    read_events(deaf);
    CHECK_EQUAL(event_count, 0);
    close_session(windows);
    CHECK(waiting.done && waiting.status == TS_OK); // RESET, Shift is still down
    CHECK_EQUAL(waiting.length, 2 * sizeof(events[0]));
    ask(&waiting, console, TS_OP_READ, TS_RIGHTS_ALL);
    console->operations->cancel(&waiting.request);
    CHECK(waiting.done && waiting.status == TS_ERR_CANCELLED);
    ask(&waiting, console, TS_OP_READ, TS_RIGHTS_ALL);
    close_session(console);
    CHECK(waiting.done && waiting.status == TS_ERR_CANCELLED);
    close_session(deaf);
}

static void control_alt_delete(void)
{
    started(FAKE_KEYBOARD, FAKE_NOTHING);
    SEND(0, "\x1d\xe0\x53\xe0\xd3\x38"); // Control, Delete, Alt
    CHECK_EQUAL(reboots, 0);
    SEND(0, "\xe0\x53");
    CHECK_EQUAL(reboots, 1); // nobody reads keys, and it works all the same
    control = TS_HANDLE_NONE;
    SEND(0, "\xe0\xd3\xe0\x53");
    CHECK_EQUAL(reboots, 1);
    control = CONTROL;
}

static void hot_plug(void)
{
    started(FAKE_KEYBOARD, FAKE_MOUSE);
    struct ts_object *session = open_session(TS_RIGHTS_ALL);
    SEND(0, "\x2a\xaa\x1e"); // Shift's release is no new keyboard; A stays down
    run(TS_SECOND);
    read_events(session);
    CHECK(event_count >= 4 && events[2].value == TS_INPUT_UP);
    CHECK(fake.devices[0].enabled);
    fake.devices[0].enabled = false; // another one
    SEND(0, "\xaa");
    run(TS_SECOND);
    CHECK(fake.devices[0].enabled);
    read_events(session);
    expect(event_count - 2, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_UP);
    expect(event_count - 1, TS_INPUT_DEVICE, 0, 1);
    fake.devices[1].enabled = false;
    fake.devices[1].best = 0; // a plain mouse in place of the other
    SEND(1, "\xaa\x00");
    run(TS_SECOND);
    CHECK(fake.devices[1].enabled && device(1)->buttons == 3);
    fake.devices[0].silent = true; // pulled out
    SEND(0, "\xaa");
    run(3 * TS_SECOND);
    CHECK_EQUAL(device(0)->has, 0);
    fake.devices[0].silent = false; // and back
    SEND(0, "\xaa");
    run(TS_SECOND);
    CHECK(device(0)->has != 0);
    close_session(session);
}

static void absent_or_broken(void)
{
    fake_begin(FAKE_NOTHING, FAKE_NOTHING);
    fake.absent = true;
    CHECK_EQUAL(start(), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(slept_ms, 0);
    fake_begin(FAKE_NOTHING, FAKE_NOTHING); // nothing there, and it reads as zeros
    fake.delay = fake.wait = FAKE_FOREVER;
    CHECK_EQUAL(start(), TS_ERR_NOT_FOUND);
    fake_begin(FAKE_KEYBOARD, FAKE_NOTHING);
    fake.stuck = true;
    CHECK_EQUAL(start(), TS_ERR_NOT_FOUND);
    fake_begin(FAKE_KEYBOARD, FAKE_NOTHING);
    fake.busy = FAKE_FOREVER;
    CHECK_EQUAL(start(), TS_ERR_NOT_FOUND);
    CHECK(slept_ms > 100 && slept_ms < 4000);
    fake_begin(FAKE_KEYBOARD, FAKE_NOTHING);
    fake.test_answer = 0xfc;
    CHECK_EQUAL(start(), TS_ERR_IO);
    fake_begin(FAKE_KEYBOARD, FAKE_NOTHING);
    fake.port_answer[0] = fake.port_answer[1] = 1;
    CHECK_EQUAL(start(), TS_ERR_IO);
    fake_begin(FAKE_KEYBOARD, FAKE_MOUSE); // the second port alone is broken
    fake.port_answer[1] = 3;
    CHECK_EQUAL(start(), TS_OK);
    run(TS_SECOND);
    CHECK(device(0)->has != 0 && device(1)->has == 0 && !(fake.settings & 2));
    fake_begin(FAKE_KEYBOARD, FAKE_MOUSE);
    fake.one_port = true;
    CHECK_EQUAL(start(), TS_OK);
    run(TS_SECOND);
    CHECK(device(0)->has != 0 && device(1)->has == 0);
}

static void slow_and_stubborn(void)
{
    fake_begin(FAKE_KEYBOARD, FAKE_MOUSE);
    fake.delay = 18; // looks: some milliseconds at the start, some ticks afterwards
    CHECK_EQUAL(start(), TS_OK);
    run(10 * TS_SECOND);
    CHECK(device(0)->has != 0 && device(1)->has != 0);
    fake_begin(FAKE_KEYBOARD, FAKE_MOUSE);
    fake.devices[0].again = 2;
    fake.devices[1].again = FAKE_FOREVER;
    CHECK_EQUAL(start(), TS_OK);
    run(5 * TS_SECOND);
    CHECK(device(0)->has != 0 && device(1)->has == 0);
    fake_begin(FAKE_KEYBOARD, FAKE_MOUSE);
    fake.devices[0].silent = fake.devices[1].silent = true;
    CHECK_EQUAL(start(), TS_OK);
    run(5 * TS_SECOND);
    CHECK(device(0)->has == 0 && device(1)->has == 0);
    uint32_t looks = fake.looks;
    run(TS_SECOND);
    CHECK(fake.looks - looks < 30); // it looks ten times a second, no more
}

// Whatever devices send, whenever: the driver goes on, and what a reader hears is consistent.
static void anything(void)
{
    started(FAKE_KEYBOARD, FAKE_MOUSE);
    struct ts_object *session = open_session(TS_RIGHTS_ALL);
    for (unsigned round = 0; round < 100000; round++) {
        unsigned port = (unsigned)random_below(2);
        fake.devices[port].silent = random_below(4) == 0;
        for (uint64_t n = random_below(12); n > 0; n--) {
            fake_send(port, (uint8_t)random_next());
            if (random_below(8) == 0 && fake.queued > 0) {
                fake.queue[fake.queued - 1].bad = true;
            }
        }
        step((ts_time_t)random_below(120) * TS_MILLISECOND);
        if (random_below(10) == 0) {
            read_events(session);
        }
        CHECK(ps2.tick.armed && ps2.input.events.downs <= TS_INPUT_DOWN);
    }
    CHECK(ps2.input.events.statistics.refused > 1000);
    fake.queued = 0;
    fake.devices[0].silent = fake.devices[1].silent = false;
    run(5 * TS_SECOND);
    SEND(0, "\x01"); // it comes back
    run(5 * TS_SECOND);
    read_events(session);
    SEND(0, "\x1e\x9e");
    read_events(session);
    CHECK(event_count >= 2);
    expect(event_count - 1, TS_INPUT_KEY, KEY(KEY_A), TS_INPUT_UP);
    close_session(session);
}

// A device that never stops takes a bounded part of the driver's time.
static void flood(void)
{
    started(FAKE_KEYBOARD, FAKE_MOUSE);
    fake.stuck = true; // a byte at each look
    uint32_t looks = fake.looks;
    run(TS_SECOND);
    CHECK(fake.looks - looks < 100000);
    CHECK(ps2.input.events.statistics.polls < 1100);
}

int main(void)
{
    keys_and_motion();
    without_translation();
    other_mice();
    lights_and_repeats();
    sessions();
    control_alt_delete();
    hot_plug();
    absent_or_broken();
    slow_and_stubborn();
    anything();
    flood();
    return 0;
}
