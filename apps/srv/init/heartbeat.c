// SPDX-License-Identifier: MIT
// Heartbeats. The time that the configuration allows a service to be silent has three parts: it is
// asked one part after it has answered, and has one part to answer. If it does not, it is asked
// once more before it is killed: a late answer may be the fault of the whole machine, which in an
// emulator can stand still for a while, and then both what was asked and its deadline belong to the
// time before. Where init itself hears of it late, a part does not count: EXCUSED_MOST in a row, so
// that a service that is dead is found on a machine that is busy for ever.
//
// What is asked is the service's pulse, which no client has, and which has a request slot of its
// own. There the first question lies until the service has looked at it; the second one is refused
// meanwhile (TS_ERR_LIMIT), and asked again when its part is over.
#include "heartbeat.h"
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include "init.h"

#define PARTS        3 // of the time: a pause, a question and another one
#define EXCUSED_MOST 8u

static ts_time_t begin_part(struct service *service)
{
    return service->beat_due = ts_deadline_in(service->config->heartbeat / PARTS);
}

// Whether the part that is over does not count.
static bool is_excused(struct service *service)
{
    ts_time_t late = ts_clock_now() - service->beat_due;
    if (late < service->config->heartbeat / PARTS / 4 || service->beats_excused == EXCUSED_MOST) {
        return false;
    }
    service->beats_excused++;
    return true;
}

static void ask(struct service *service);

static void pause_over(struct ts_timer *timer);

static void ask_later(struct service *service)
{
    service->beat_timer.fired = pause_over;
    ts_timer_arm(&init.loop, &service->beat_timer, begin_part(service));
}

static void pause_over(struct ts_timer *timer)
{
    struct service *service = TS_OBJECT_OF(timer, struct service, beat_timer);
    if (service->beats_missed > 0 && is_excused(service)) {
        ask_later(service);
    } else {
        ask(service);
    }
}

static void beat_done(struct ts_async *async, const struct ts_event *event)
{
    struct service *service = TS_OBJECT_OF(async, struct service, beat);
    bool late = event->status == TS_ERR_TIMED_OUT || event->status == TS_ERR_ABANDONED;
    bool there = event->status == TS_ERR_LIMIT;
    if (service->state != TS_INIT_READY_ || service->beat_instance != service->instance) {
        return;
    }
    if (event->status == TS_OK) {
        service->beat_took = ts_clock_now() - service->beat_sent;
        service->beats_missed = service->beats_excused = 0;
        ask_later(service);
    } else if (late && is_excused(service)) {
        ask_later(service);
    } else if (late && service->beats_missed == 0) {
        service->beats_missed = 1;
        ask(service);
    } else if (there && service->beats_missed <= 1) {
        service->beats_missed = 2;
        ask_later(service);
    } else {
        ts_log("%s does not answer: %s", service->name, ts_status_name(event->status));
        service_kill(service);
    }
}

static void ask(struct service *service)
{
    struct ts_submission *submission = NULL;
    if (!service->beat.busy) { // else of an instance that is gone
        service->beat.done = beat_done;
        submission = ts_loop_begin(&init.loop, &service->beat);
    }
    if (submission == NULL) {
        ask_later(service);
        return;
    }
    service->beat_instance = service->instance;
    service->beat_sent = ts_clock_now();
    ts_prepare_get(submission, service->pulse, TS_PROPERTY_ALIVE, &service->beat_answer,
                   sizeof(service->beat_answer), begin_part(service),
                   ts_async_data(&service->beat));
}

static void on_changed(struct service *service)
{
    service->beats_missed = service->beats_excused = 0;
    if (service->state != TS_INIT_READY_) {
        ts_timer_disarm(&init.loop, &service->beat_timer);
    } else if (service->config->heartbeat) {
        ask_later(service);
    }
}

const struct service_events heartbeat_events = {.changed = on_changed};
