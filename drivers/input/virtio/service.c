// SPDX-License-Identifier: MIT
#include "service.h"

#include "evdev.h"

#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>

#define EVENTS_MAX 64u                    // at once, then clients have their turn
#define PAUSE      TS_MILLISECOND         // after so many: nobody types so fast
#define TICK       (100 * TS_MILLISECOND) // a machine that loses interrupts is slow, not deaf

static void take(struct service *s, const struct device_event *event)
{
    uint32_t code = 0;
    if (event->type == EVDEV_KEY && event->value <= 2) { // 2: the device's own repeat
        code = evdev_key(event->code);
        if (code != 0) {
            input_key(&s->input, 0, code, event->value != 0);
        }
    } else if (event->type == EVDEV_RELATIVE) {
        code = evdev_relative(event->code);
        if (code != 0) {
            input_motion(&s->input, 0, code, (int32_t)event->value);
        }
    } else if (event->type == EVDEV_SYNC) {
        return;
    }
    s->input.events.statistics.refused += code == 0;
}

static void restart(struct service *s)
{
    if (!allowance_take_reset(&s->resets, ts_loop_now(s->loop))) {
        service_fail("the device misbehaves all the time", TS_ERR_IO);
    }
    ts_log("the device misbehaves and is reset");
    s->input.events.statistics.resets++;
    input_released(&s->input, 0);
    ts_status_t status = device_restart(&s->device);
    if (status != TS_OK) {
        service_fail("the device does not start again", status);
    }
}

// Whether there was an event.
static bool work(struct service *s)
{
    struct device_event event;
    ts_status_t status = TS_OK;
    unsigned n = 0;
    while (n < EVENTS_MAX && (status = device_next(&s->device, &event)) == TS_OK) {
        take(s, &event);
        n++;
    }
    if (status == TS_ERR_PROTOCOL || virtio_needs_reset(s->device.virtio)) {
        restart(s);
    }
    input_told(&s->input);
    bool more = !device_sleep(&s->device) || n == EVENTS_MAX;
    ts_timer_arm(s->loop, &s->timer, ts_loop_now(s->loop) + (more ? PAUSE : TICK));
    return n > 0;
}

static void on_timer(struct ts_timer *timer)
{
    struct service *s = TS_OBJECT_OF(timer, struct service, timer);
    s->input.events.statistics.polls++;
    (void)work(s);
}

static bool on_interrupt(struct service_interrupt *interrupt)
{
    struct service *s = TS_OBJECT_OF(interrupt, struct service, interrupt);
    struct virtio_function *f = s->function;
    s->input.events.statistics.interrupts++;
    if (f->bus.line) {
        (void)f->device.registers->interrupt_cause(f); // the device lowers the line
    }
    return work(s);
}

static void on_lights(struct input *input, uint32_t leds)
{
    struct service *s = TS_OBJECT_OF(input, struct service, input);
    device_set_leds(&s->device, leds);
}

ts_status_t service_start(struct service *s, struct ts_loop *loop, struct virtio_function *function,
                          ts_handle_t *out_root)
{
    *s = (struct service){.loop = loop, .function = function};
    s->timer.fired = on_timer;
    ts_status_t status = device_init(&s->device, &function->device, function->bus.domain,
                                     virtio_function_queue_vector(function),
                                     virtio_function_change_vector(function));
    if (status == TS_OK) {
        status = input_start(&s->input, loop, on_lights, out_root);
    }
    if (status == TS_OK) {
        input_plugged(&s->input, 0, &s->device.what);
        ts_log("%s", s->device.what.name);
        service_interrupt_start(&s->interrupt, loop, function->bus.interrupts[0],
                                function->bus.line, on_interrupt);
        ts_timer_arm(loop, &s->timer, ts_clock_now());
    }
    return status;
}
