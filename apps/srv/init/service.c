// SPDX-License-Identifier: MIT
// One service's life.
//
//   STOPPED -> WAITING -> STARTING -> READY -> (its end) -> WAITING | BACK_OFF | STOPPED
//                  \          \-> not ready in time: killed      | GIVEN_UP | NO_DEVICE
//                   \-> FAILED: the program cannot be started
//
// WAITING ends when launch.c has started it, or cannot. Whatever else depends on a service's state
// is told by the tables of service_listen.
//
// Deaths are counted until an instance has been healthy for 10 seconds. The first two are followed
// by a start at once; from the third on a start waits 1 s, 2 s, 4 s … at most a minute. With the
// tenth, after two minutes of waiting, a service is given up: what depends on it goes on without.
// The console is the exception, since through it an operator starts what was given up.
//
// A service that ends with TS_INIT_EXIT_NO_DEVICE is not started again.
#include "service.h"
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include "init.h"
#include "report.h"

#define READY_WITHIN_NS  (20 * TS_SECOND)
#define HEALTHY_AFTER_NS (10 * TS_SECOND)
#define FREE_DEATHS      2u
#define BACK_OFF_NS      TS_SECOND
#define BACK_OFF_MAX_NS  (60 * TS_SECOND)
#define LAST_DEATH       10u

static const struct service_events *const *listeners;

void service_listen(const struct service_events *const *tables)
{
    listeners = tables;
}

bool service_runs(const struct service *service)
{
    return service->process != TS_HANDLE_NONE;
}

bool service_rests(const struct service *service)
{
    switch (service->state) {
    case TS_INIT_STOPPED:
    case TS_INIT_FAILED:
    case TS_INIT_GIVEN_UP:
    case TS_INIT_NO_DEVICE: return true;
    default: return false;
    }
}

static void set_state(struct service *service, enum ts_init_state state)
{
    service->state = state;
    init.state_changes++;
    for (const struct service_events *const *at = listeners; *at != NULL; at++) {
        if ((*at)->changed != NULL) {
            (*at)->changed(service);
        }
    }
}

static void tell_end(struct service *service)
{
    for (const struct service_events *const *at = listeners; *at != NULL; at++) {
        if ((*at)->ended != NULL) {
            (*at)->ended(service);
        }
    }
}

// ---- starting

static void give_up(struct service *service)
{
    const char *name = service->name;
    ts_log("%s has died %u times in a row and is given up: `services start %s` starts it again",
           name, service->deaths, name);
    set_state(service, TS_INIT_GIVEN_UP);
}

void service_back_off(struct service *service)
{
    service->deaths++;
    if (service->deaths >= LAST_DEATH && !service->config->console) {
        give_up(service);
        return;
    }
    if (service->deaths <= FREE_DEATHS) {
        service->restarts++;
        (void)service_start(service);
        return;
    }
    unsigned doublings = service->deaths - FREE_DEATHS - 1;
    ts_time_t delay = doublings < 6 ? BACK_OFF_NS << doublings : BACK_OFF_MAX_NS;
    ts_log("%s has died %u times: it starts again in %u s", service->name, service->deaths,
           (unsigned)(delay / TS_SECOND));
    service->restart_at = ts_deadline_in(delay);
    set_state(service, TS_INIT_BACK_OFF);
    ts_timer_arm(&init.loop, &service->timer, service->restart_at);
}

void service_failed(struct service *service, ts_status_t status)
{
    ts_log("%s cannot be started (/etc/init.conf:%u): %s", service->name, service->config->line,
           ts_status_name(status));
    service->status = status;
    set_state(service, TS_INIT_FAILED);
}

void service_looked(struct service *kind)
{
    set_state(kind, TS_INIT_STOPPED);
}

// ---- ends

static bool has_no_device(const struct ts_process_report *report)
{
    return report->reason == TS_EXIT_STATUS && report->status == TS_INIT_EXIT_NO_DEVICE;
}

static bool wants_restart(const struct service *service, const struct ts_process_report *report)
{
    if (init.ending || service->after == AFTER_STOP) {
        return false;
    }
    if (service->after == AFTER_RESTART) {
        return true;
    }
    bool success = report->reason == TS_EXIT_STATUS && report->status == 0;
    switch (service->config->restart) {
    case CONFIG_RESTART_ALWAYS: return true;
    case CONFIG_RESTART_FAILURE: return !success;
    default: return false;
    }
}

static void close_instance(struct service *service)
{
    (void)ts_job_kill(service->job); // what it started goes with it
    ts_close(service->process);
    ts_close(service->job);
    ts_loop_close(&init.loop, service->root); // a client that asks for a session is told of the end
    ts_close(service->pulse);
    service->process = service->job = service->root = service->pulse = TS_HANDLE_NONE;
    service->sessions = 0;
    ts_timer_disarm(&init.loop, &service->timer);
}

static void service_ended(struct service *service, const struct ts_process_report *report)
{
    bool healthy = ts_clock_now() - service->started >= HEALTHY_AFTER_NS;
    service->exit_reason = report->reason;
    service->status = report->status;
    close_instance(service);
    if (healthy || service->after == AFTER_RESTART) {
        service->deaths = 0;
    }
    tell_end(service);
    if (has_no_device(report)) {
        set_state(service, TS_INIT_NO_DEVICE);
    } else if (!wants_restart(service, report)) {
        set_state(service, TS_INIT_STOPPED);
    } else if (service->after == AFTER_RESTART) {
        service->restarts++;
        (void)service_start(service);
    } else {
        service_back_off(service);
    }
}

static void exit_done(struct ts_async *async, const struct ts_event *event)
{
    struct service *service = TS_OBJECT_OF(async, struct service, exit_watch);
    struct ts_process_report report = {0};
    (void)event; // whatever it says: the report tells
    ts_status_t status = ts_process_report(service->process, &report);
    if (status != TS_OK) {
        ts_log("%s: no report of its end: %s", service->name, ts_status_name(status));
    }
    report_end(service, &report);
    service_ended(service, &report);
}

// ---- running

void service_kill(struct service *service)
{
    ts_status_t status = ts_job_kill(service->job);
    if (status != TS_OK) {
        status = ts_process_kill(service->process);
    }
    if (status != TS_OK) {
        ts_log("%s cannot be killed: %s", service->name, ts_status_name(status));
    }
}

static bool watch_exit(struct service *service)
{
    service->exit_watch.done = exit_done;
    struct ts_submission *submission = ts_loop_begin(&init.loop, &service->exit_watch);
    if (submission != NULL) {
        ts_prepare_wait(submission, service->process, TS_SIGNAL_EXITED, TS_DEADLINE_NONE,
                        ts_async_data(&service->exit_watch));
    }
    return submission != NULL;
}

void service_launched(struct service *service)
{
    service->started = ts_clock_now();
    service->after = AFTER_POLICY;
    service->order = ++init.starts;
    ts_log("%s started", service->name);
    if (!watch_exit(service)) { // the ring's size forbids it
        service_kill(service);
        close_instance(service);
        service_failed(service, TS_ERR_AGAIN);
        return;
    }
    set_state(service, service->config->serves ? TS_INIT_STARTING : TS_INIT_READY_);
    if (service->config->serves) {
        ts_timer_arm(&init.loop, &service->timer, ts_deadline_in(READY_WITHIN_NS));
    }
}

void service_ready(struct service *service, ts_handle_t root, ts_handle_t pulse)
{
    service->root = root;
    service->pulse = pulse;
    if (service->state != TS_INIT_STARTING) {
        return;
    }
    ts_log("%s is ready", service->name);
    ts_timer_disarm(&init.loop, &service->timer);
    set_state(service, TS_INIT_READY_);
}

static void timer_fired(struct ts_timer *timer)
{
    struct service *service = TS_OBJECT_OF(timer, struct service, timer);
    switch (service->state) {
    case TS_INIT_STARTING:
        ts_log("%s was not ready within %u s", service->name,
               (unsigned)(READY_WITHIN_NS / TS_SECOND));
        service_kill(service);
        break;
    case TS_INIT_BACK_OFF:
        service->restarts++;
        (void)service_start(service);
        break;
    default: break;
    }
}

// ---- from outside

void service_init(struct service *service, const struct config_service *config)
{
    service->config = config;
    service->name = config->name;
    service->timer.fired = timer_fired;
    service->state = config->broken ? TS_INIT_FAILED : TS_INIT_STOPPED;
    service->status = config->broken ? TS_ERR_ARGUMENT : TS_OK;
}

static void wait_for_start(struct service *service)
{
    ts_timer_disarm(&init.loop, &service->timer);
    service->restart_at = 0;
    set_state(service, TS_INIT_WAITING);
}

ts_status_t service_start(struct service *service)
{
    if (init.ending) {
        return TS_ERR_BUSY;
    }
    if (service->config->broken) {
        return TS_ERR_ARGUMENT;
    }
    if (service_runs(service) || service->state == TS_INIT_WAITING) {
        return TS_ERR_EXISTS;
    }
    if (service->state == TS_INIT_GIVEN_UP) {
        service->deaths = 0;
    }
    wait_for_start(service);
    return TS_OK;
}

ts_status_t service_stop(struct service *service, enum service_after after)
{
    if (service_runs(service)) {
        service->after = after;
        ts_timer_disarm(&init.loop, &service->timer);
        set_state(service, TS_INIT_ENDING);
        service_kill(service);
        return TS_OK;
    }
    if (service_rests(service)) {
        return after == AFTER_RESTART ? service_start(service) : TS_ERR_NOT_FOUND;
    }
    if (after == AFTER_RESTART && !init.ending) { // it waits anew
        wait_for_start(service);
        return TS_OK;
    }
    ts_timer_disarm(&init.loop, &service->timer);
    set_state(service, TS_INIT_STOPPED);
    return after == AFTER_RESTART ? TS_ERR_BUSY : TS_OK;
}
