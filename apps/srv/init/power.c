// SPDX-License-Identifier: MIT
// The end of the machine: services are ended one after another, those that started last first, so
// that none loses what it uses before it has ended itself. One that does not end in time is left.
#include "power.h"
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include "init.h"

#define END_WITHIN_NS (2 * TS_SECOND)

static struct ts_timer late;
static bool restarting;
static uint32_t next_order; // those that started later have been told

static void switch_off(void)
{
    ts_handle_t system = ts_named_handle(TS_NAME_RESOURCE_SYSTEM);
    ts_log("%s", restarting ? "restarting" : "power off");
    ts_status_t status = restarting ? ts_system_restart(system)
                                    : ts_system_power_off(system, (uint32_t)init.exit_status);
    ts_log("the machine stays on: %s", ts_status_name(status));
}

static struct service *last_started(void)
{
    struct service *last = NULL;
    for (uint32_t i = 0; i < init.service_count; i++) {
        struct service *service = &init.services[i];
        if (service_runs(service) && service->order < next_order &&
            (last == NULL || service->order > last->order)) {
            last = service;
        }
    }
    return last;
}

static void end_next(void)
{
    struct service *service = last_started();
    if (service == NULL) {
        ts_timer_disarm(&init.loop, &late);
        switch_off();
        return;
    }
    next_order = service->order;
    ts_timer_arm(&init.loop, &late, ts_deadline_in(END_WITHIN_NS));
    (void)service_stop(service, AFTER_STOP);
}

static void too_late(struct ts_timer *timer)
{
    (void)timer;
    ts_log("a service does not end");
    end_next();
}

void power_begin(bool restart, int32_t status)
{
    if (init.ending) {
        return;
    }
    init.ending = true;
    init.exit_status = status;
    restarting = restart;
    next_order = UINT32_MAX;
    late.fired = too_late;
    end_next();
}

// The console's program is that of exec=, and its end the machine's, as shells have it.
static bool is_executed(const struct service *service)
{
    return init.execute && service->config->console && !init.ending;
}

static void on_changed(struct service *service)
{
    if (service->state == TS_INIT_FAILED && is_executed(service)) {
        power_begin(false, service->status == TS_ERR_NOT_FOUND ? 127 : 126);
    }
}

static void on_ended(struct service *service)
{
    if (is_executed(service)) {
        power_begin(false, service->exit_reason == TS_EXIT_STATUS ? service->status : 255);
    } else if (init.ending && late.armed) {
        end_next();
    }
}

const struct service_events power_events = {.changed = on_changed, .ended = on_ended};
