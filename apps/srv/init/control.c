// SPDX-License-Identifier: MIT
// The control object: what the command `services` reads and steers by (proto/init.h).
#include "control.h"
#include <string.h>
#include <tessera/lib/process.h>
#include "broker.h"
#include "clock.h"
#include "init.h"
#include "pool.h"
#include "power.h"

struct control {
    struct ts_object object;
};

static struct pool controls = POOL(struct control, 64);

static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
    }
    memcpy(out, text, length); // the record was zeroed
}

static void describe(const struct service *service, struct ts_init_service *record)
{
    struct ts_process_statistics process;
    struct ts_job_statistics job;
    memset(record, 0, sizeof(*record));
    copy_text(record->name, sizeof(record->name), service->name);
    record->program[0] = '/';
    copy_text(record->program + 1, sizeof(record->program) - 1, service->config->program);
    record->state = service->state;
    record->status = service->status;
    record->exit_reason = service->exit_reason;
    record->restarts = service->restarts;
    record->deaths = service->deaths;
    record->sessions = service->sessions;
    record->restart_ns = (uint64_t)service->restart_at;
    record->heartbeat_ns = (uint64_t)service->beat_took;
    if (!service_runs(service)) {
        return;
    }
    record->started_ns = (uint64_t)service->started;
    if (ts_process_statistics(service->process, &process) == TS_OK) {
        record->process_id = process.id;
        record->cpu_ns = process.cpu_ns;
        record->requests_served = process.requests_served;
    }
    if (ts_job_statistics(service->job, &job) == TS_OK) {
        record->pages = job.used.pages;
        record->handles = job.used.handles;
        record->threads = job.used.threads;
    }
}

// A kind is seen by its instances, unless it failed.
static bool is_shown(const struct service *service)
{
    return !service_is_kind(service) || service->state == TS_INIT_FAILED;
}

static void control_list(struct ts_request *request)
{
    static struct ts_init_service records[INIT_SERVICES];
    uint64_t count = 0, seen = 0, room = request->room / sizeof(records[0]);
    for (uint32_t i = 0; i < init.service_count && count < room; i++) {
        if (is_shown(&init.services[i]) && seen++ >= request->offset) {
            describe(&init.services[i], &records[count++]);
        }
    }
    if (room == 0) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else {
        ts_request_reply_stable(request, records, count * sizeof(records[0]));
    }
}

static ts_status_t pull_service(struct ts_request *request, struct service **out_service)
{
    char name[TS_NAME_MAX + 1];
    size_t length;
    ts_status_t status = ts_request_path(request, name, sizeof(name), &length);
    if (status != TS_OK) {
        return status;
    }
    *out_service = service_named(name, length);
    return *out_service != NULL ? TS_OK : TS_ERR_NOT_FOUND;
}

static ts_status_t steer(struct ts_request *request, struct service *service)
{
    switch (request->arg) {
    case TS_INIT_START: return service_start(service);
    case TS_INIT_STOP: return service_stop(service, AFTER_STOP);
    case TS_INIT_KILL:
        return service_runs(service) ? service_stop(service, AFTER_POLICY) : TS_ERR_NOT_FOUND;
    case TS_INIT_RESTART: return service_stop(service, AFTER_RESTART);
    default: return TS_ERR_UNSUPPORTED;
    }
}

static void call_power(struct ts_request *request)
{
    struct ts_init_power power = {0};
    ts_status_t status = TS_OK;
    bool restart = request->arg == TS_INIT_REBOOT;
    if (request->length > 0) {
        status = ts_request_pull_exact(request, &power, sizeof(power));
    }
    ts_request_reply(request, status, 0);
    if (status == TS_OK) {
        power_begin(restart, power.status);
    }
}

static void call_clock(struct ts_request *request)
{
    struct ts_init_clock wanted;
    ts_status_t status = ts_request_pull_exact(request, &wanted, sizeof(wanted));
    ts_request_reply(request, status == TS_OK ? clock_adjust(&wanted) : status, 0);
}

static uint64_t count_running(void)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < init.service_count; i++) {
        count += service_runs(&init.services[i]);
    }
    return count;
}

static void control_call(struct ts_request *request)
{
    struct service *service;
    uint64_t method = request->arg;
    bool power = method == TS_INIT_POWER_OFF || method == TS_INIT_REBOOT;
    bool may = method == TS_INIT_RUNNING || ts_request_has(request, TS_RIGHT_MANAGE) ||
               (power && ts_request_has(request, TS_RIGHT_EXECUTE)) ||
               (method == TS_INIT_CLOCK_SET && ts_request_has(request, TS_RIGHT_WRITE));
    if (!may) {
        ts_request_reply(request, TS_ERR_RIGHTS, 0);
    } else if (power) {
        call_power(request);
    } else if (method == TS_INIT_CLOCK_SET) {
        call_clock(request);
    } else if (method == TS_INIT_RUNNING) {
        ts_request_reply(request, TS_OK, count_running());
    } else {
        ts_status_t status = pull_service(request, &service);
        if (status == TS_OK) {
            status = steer(request, service);
        }
        ts_request_reply(request, status, 0);
    }
}

static void control_open(struct ts_request *request)
{
    if (request->length == 0) { // anew: the client's own, with the rights that it has
        (void)ts_request_reply_own(request, request->object, TS_RIGHTS_SAME);
        return;
    }
    struct service *service;
    ts_status_t status = TS_ERR_RIGHTS; // else each service would be open to all that can list them
    if (ts_request_has(request, TS_RIGHT_MANAGE)) {
        status = pull_service(request, &service);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    struct broker_wish wish = {
        .target = service, .path = "", .root = true, .consumed = request->length};
    broker_open(request, &wish);
}

static void control_closed(struct ts_object *object)
{
    broker_forget(object);
    pool_put(&controls, TS_OBJECT_OF(object, struct control, object));
}

static const struct ts_operations control_operations = {
    .open = control_open,
    .list = control_list,
    .call = control_call,
    .cancel = broker_cancel,
    .closed = control_closed,
};

ts_status_t control_create(ts_rights_t rights, ts_handle_t *out_handle)
{
    struct control *control = pool_get(&controls);
    if (control == NULL) {
        return TS_ERR_LIMIT;
    }
    control->object.operations = &control_operations;
    ts_status_t status = ts_object_mint(&init.server, &control->object, rights, out_handle);
    if (status != TS_OK) {
        pool_put(&controls, control);
    }
    return status;
}
