// SPDX-License-Identifier: MIT
// The chip's ports and its interrupt, and the beginning of the service.
#include "service.h"

#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

// ---- Ports

static uint8_t port_read(void *context, uint8_t port)
{
    const struct serial *s = context;
    uint32_t value;
    return ts_io_read(s->ports, port, 1, &value) == TS_OK ? (uint8_t)value : 0xff;
}

static void port_write(void *context, uint8_t port, uint8_t value)
{
    const struct serial *s = context;
    // The range was given for these ports; what failed shows in the status register.
    (void)ts_io_write(s->ports, port, 1, value);
}

static void port_write_many(void *context, uint8_t port, const uint8_t *bytes, uint32_t count)
{
    const struct serial *s = context;
    struct {
        struct ts_io_string string;
        uint8_t bytes[UART_FIFO];
    } out = {.string = {.port = port, .width = 1, .write = 1, .count = count}};
    memcpy(out.bytes, bytes, count);
    (void)ts_call_bytes(s->ports, TS_IO_STRING, &out, sizeof(out.string) + count, NULL, 0, NULL);
}

// ---- When to look

static void on_tick(struct ts_timer *timer)
{
    struct serial *s = TS_OBJECT_OF(timer, struct serial, tick);
    s->statistics.polls++;
    serial_poll(s);
}

static void wait_interrupt(struct serial *s)
{
    struct ts_submission *submission = ts_loop_begin(s->loop, &s->interrupt_wait);
    if (submission != NULL) { // else the ticks do
        ts_prepare_watch(submission, s->interrupt, TS_SIGNAL_READABLE,
                         ts_async_data(&s->interrupt_wait));
    }
}

#define CAUSES_MAX 32u // served for one interrupt

static void on_interrupt(struct ts_async *async, const struct ts_event *event)
{
    struct serial *s = TS_OBJECT_OF(async, struct serial, interrupt_wait);
    if (event->status != TS_OK) {
        ts_log("no more interrupts: %s", ts_status_name(event->status));
        return;
    }
    s->statistics.interrupts++;
    // The line is edge-triggered: no further edge comes before all causes are gone.
    for (unsigned i = 0; i < CAUSES_MAX && uart_interrupting(&s->uart); i++) {
        serial_poll(s);
    }
    if (ts_interrupt_acknowledge(s->interrupt) == TS_OK && !(event->flags & TS_EVENT_MORE)) {
        wait_interrupt(s);
    }
}

ts_status_t serial_start(struct serial *s, struct ts_loop *loop, ts_handle_t ports,
                         ts_handle_t interrupt, ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 256, .objects = 128, .inbox_bytes = 256};
    *s = (struct serial){.loop = loop, .ports = ports, .interrupt = interrupt, .turn = SERIAL_TURN};
    s->uart = (struct uart){port_read, port_write, port_write_many, s, 0, 0};
    s->root = (struct session){.object = {.operations = &serial_root_operations}, .serial = s};
    s->interrupt_wait.done = on_interrupt;
    s->owner_wait.done = session_owner_done;
    s->tick.fired = on_tick;
    tty_init(&s->tty);
    ts_status_t status = uart_init(&s->uart);
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&s->server, &s->root.object, TS_RIGHTS_ALL, out_root);
    }
    if (status != TS_OK) {
        return status;
    }
    if (interrupt) {
        wait_interrupt(s);
    }
    ts_timer_arm(loop, &s->tick, ts_clock_now());
    return TS_OK;
}
