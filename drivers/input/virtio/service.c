// SPDX-License-Identifier: MIT
#include "service.h"

#include "evdev.h"

#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/process.h>

#define EVENTS_MAX 64u                    // at once, then clients have their turn
#define PAUSE      TS_MILLISECOND         // after so many: nobody types so fast
#define TICK       (100 * TS_MILLISECOND) // a machine that loses interrupts is slow, not deaf

// More resets than that in such a time: init's pauses, which grow, are better.
#define RESETS_MAX 8u
#define RESETS_NS  (10 * TS_SECOND)

static void fail(const char *what, ts_status_t status)
{
    // Init starts a new instance as soon as the PCI server has made the device quiet.
    ts_log("%s: %s", what, ts_status_name(status));
    ts_process_exit(status);
}

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
    ts_time_t now = ts_loop_now(s->loop);
    if (now - s->resets_since > RESETS_NS) {
        s->resets_since = now;
        s->resets = 0;
    }
    if (s->resets++ == RESETS_MAX) {
        fail("the device misbehaves all the time", TS_ERR_IO);
    }
    ts_log("the device misbehaves and is reset");
    s->input.events.statistics.resets++;
    input_released(&s->input, 0);
    ts_status_t status = device_restart(&s->device);
    if (status != TS_OK) {
        fail("the device does not start again", status);
    }
}

static void work(struct service *s)
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
}

static void on_timer(struct ts_timer *timer)
{
    struct service *s = TS_OBJECT_OF(timer, struct service, timer);
    s->input.events.statistics.polls++;
    work(s);
}

static void watch(struct service *s)
{
    struct ts_submission *submission = ts_loop_begin(s->loop, &s->interrupt);
    if (submission != NULL) { // else the ticks do
        ts_prepare_watch(submission, s->function->bus.interrupts[0], TS_SIGNAL_READABLE,
                         ts_async_data(&s->interrupt));
    }
}

static void on_interrupt(struct ts_async *async, const struct ts_event *event)
{
    struct service *s = TS_OBJECT_OF(async, struct service, interrupt);
    struct virtio_function *f = s->function;
    if (event->status != TS_OK) {
        fail("waiting", event->status);
    }
    s->input.events.statistics.interrupts++;
    if (f->bus.line) {
        (void)f->device.registers->interrupt_cause(f); // the device lowers the line
    }
    work(s);
    if (f->bus.line && ts_interrupt_acknowledge(f->bus.interrupts[0]) != TS_OK) {
        fail("acknowledging", TS_ERR_IO);
    }
    if (!(event->flags & TS_EVENT_MORE)) {
        watch(s);
    }
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
    s->interrupt.done = on_interrupt;
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
        watch(s);
        ts_timer_arm(loop, &s->timer, ts_clock_now());
    }
    return status;
}
