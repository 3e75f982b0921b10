// SPDX-License-Identifier: MIT
#include "service.h"

#include <tessera/lib/clock.h>
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

// Whether there was a byte.
static bool poll(struct ps2 *s)
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
    return n > 0;
}

static void on_tick(struct ts_timer *timer)
{
    struct ps2 *s = TS_OBJECT_OF(timer, struct ps2, tick);
    s->input.events.statistics.polls++;
    (void)poll(s);
}

static bool on_interrupt(struct ps2 *s)
{
    s->input.events.statistics.interrupts++;
    return poll(s);
}

static bool on_first(struct service_interrupt *interrupt)
{
    return on_interrupt(TS_OBJECT_OF(interrupt, struct ps2, interrupts[0]));
}

static bool on_second(struct service_interrupt *interrupt)
{
    return on_interrupt(TS_OBJECT_OF(interrupt, struct ps2, interrupts[1]));
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
    s->tick.fired = on_tick;
    ts_status_t status = controller_start(&s->controller);
    if (status == TS_OK) {
        status = input_start(&s->input, loop, on_lights, out_root);
    }
    if (status == TS_OK) {
        begin_ports(s);
        service_interrupt_start(&s->interrupts[0], loop, interrupts[0], true, on_first);
        service_interrupt_start(&s->interrupts[1], loop, interrupts[1], true, on_second);
        ts_timer_arm(loop, &s->tick, ts_clock_now());
    }
    return status;
}
