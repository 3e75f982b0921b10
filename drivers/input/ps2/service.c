// SPDX-License-Identifier: MIT
#include "service.h"

#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

#define TICK_IDLE (100 * TS_MILLISECOND)
#define TICK_BUSY (5 * TS_MILLISECOND) // a device is being set up
#define BYTES_MAX 64u                  // at once, then others have their turn
#define PAUSE     TS_MILLISECOND       // after so many: no device has more to say

// ---- Registers

static uint8_t register_read(void *context, bool data)
{
    const struct ps2 *s = context;
    uint32_t value;
    return ts_io_read(data ? s->data : s->command, 0, 1, &value) == TS_OK ? (uint8_t)value : 0xff;
}

static void register_write(void *context, bool data, uint8_t value)
{
    const struct ps2 *s = context;
    // The range was given for this; what failed shows, since no answer comes.
    (void)ts_io_write(data ? s->data : s->command, 0, 1, value);
}

static void sleep_shortly(void *context)
{
    (void)context;
    ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
}

static bool send(struct port *port, uint8_t byte)
{
    struct ps2 *s = TS_OBJECT_OF(port->input, struct ps2, input);
    return controller_give(&s->controller, port->index, byte);
}

// ---- When to look

static void poll(struct ps2 *s)
{
    unsigned from, n = 0;
    uint8_t byte;
    bool bad, busy = false;
    ts_time_t now = ts_loop_now(s->loop);
    while (n < BYTES_MAX && controller_take(&s->controller, &from, &byte, &bad)) {
        port_byte(&s->ports[from], now, byte, bad);
        n++;
    }
    for (unsigned i = 0; i < CONTROLLER_PORTS; i++) {
        port_tick(&s->ports[i], now);
        busy = busy || port_is_busy(&s->ports[i]);
    }
    input_told(&s->input);
    ts_time_t pause = n == BYTES_MAX ? PAUSE : busy ? TICK_BUSY : TICK_IDLE;
    ts_timer_arm(s->loop, &s->tick, now + pause);
}

static void on_tick(struct ts_timer *timer)
{
    struct ps2 *s = TS_OBJECT_OF(timer, struct ps2, tick);
    s->input.events.statistics.polls++;
    poll(s);
}

static void wait_interrupt(struct ps2 *s, unsigned port)
{
    struct ts_submission *submission =
        s->interrupts[port] ? ts_loop_begin(s->loop, &s->waits[port]) : NULL;
    if (submission != NULL) { // else the ticks do
        ts_prepare_watch(submission, s->interrupts[port], TS_SIGNAL_READABLE,
                         ts_async_data(&s->waits[port]));
    }
}

static void on_interrupt(struct ps2 *s, unsigned port, const struct ts_event *event)
{
    if (event->status != TS_OK) {
        ts_log("no more interrupts: %s", ts_status_name(event->status));
        return;
    }
    s->input.events.statistics.interrupts++;
    poll(s);
    if (ts_interrupt_acknowledge(s->interrupts[port]) == TS_OK && !(event->flags & TS_EVENT_MORE)) {
        wait_interrupt(s, port);
    }
}

static void on_first(struct ts_async *async, const struct ts_event *event)
{
    on_interrupt(TS_OBJECT_OF(async, struct ps2, waits[0]), 0, event);
}

static void on_second(struct ts_async *async, const struct ts_event *event)
{
    on_interrupt(TS_OBJECT_OF(async, struct ps2, waits[1]), 1, event);
}

static void on_lights(struct input *input, uint32_t leds)
{
    struct ps2 *s = TS_OBJECT_OF(input, struct ps2, input);
    for (unsigned i = 0; i < CONTROLLER_PORTS; i++) {
        port_set_leds(&s->ports[i], ts_loop_now(s->loop), leds);
    }
}

// ---- The beginning

static void begin_ports(struct ps2 *s)
{
    static const struct ts_input_device nothing = {.has = 0};
    ts_time_t now = ts_clock_now();
    for (unsigned i = 0; i < CONTROLLER_PORTS; i++) {
        struct port *port = &s->ports[i];
        *port = (struct port){.input = &s->input, .index = (uint16_t)i, .send = send};
        port->works = s->controller.works[i];
        port->scancode.translated = i == 0 && s->controller.translates;
        input_plugged(&s->input, port->index, &nothing);
        wait_interrupt(s, i);
        if (port->works) {
            port_probe(port, now);
        }
    }
}

ts_status_t ps2_start(struct ps2 *s, struct ts_loop *loop, ts_handle_t data, ts_handle_t command,
                      const ts_handle_t interrupts[], ts_handle_t *out_root)
{
    *s = (struct ps2){.loop = loop, .data = data, .command = command};
    s->controller =
        (struct controller){register_read, register_write, sleep_shortly, s, {false, false}, false};
    s->interrupts[0] = interrupts[0];
    s->interrupts[1] = interrupts[1];
    s->waits[0].done = on_first;
    s->waits[1].done = on_second;
    s->tick.fired = on_tick;
    ts_status_t status = controller_start(&s->controller);
    if (status == TS_OK) {
        status = input_start(&s->input, loop, on_lights, out_root);
    }
    if (status == TS_OK) {
        begin_ports(s);
        ts_timer_arm(loop, &s->tick, ts_clock_now());
    }
    return status;
}
