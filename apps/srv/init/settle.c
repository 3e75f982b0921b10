// SPDX-License-Identifier: MIT
// What a service waits for before its start: that the services it uses have settled, and that the
// sessions which it is to be given are open. One that is used by name only does not keep others
// waiting when it has failed; they can open it later. One of which a session is needed may rest, be
// given up for instance: then its user goes on waiting, the log says so once, and START of the
// other lets both go on.
#include "settle.h"
#include <string.h>
#include <tessera/lib/log.h>
#include "init.h"

// What was opened for a start is good for that start alone.
static void forget(struct service *service)
{
    for (uint32_t i = 0; i < CONFIG_HANDLES; i++) {
        ts_close(service->sessions_open[i]);
        service->sessions_open[i] = TS_HANDLE_NONE;
    }
    service->in_vain = NULL;
}

const struct service_events settle_events = {.changed = forget};

static bool is_on_its_way(const struct service *service)
{
    return service->state == TS_INIT_WAITING || service->state == TS_INIT_STARTING;
}

// Whether one that starts alone is at it.
static bool must_let_pass(const struct service *service)
{
    for (uint32_t i = 0; i < init.service_count && !service->config->alone; i++) {
        const struct service *other = &init.services[i];
        if (other->config->alone && is_on_its_way(other)) {
            return true;
        }
    }
    return false;
}

// Who belongs to a console that there is not waits in silence: the console's driver has said why.
static void tell_in_vain(struct service *service, const struct service *target)
{
    if (service->in_vain != target && service->config->on == CONFIG_ON_ANY) {
        service->in_vain = target;
        ts_log("%s waits for %s, which does not run (`services`)", service->name, target->name);
    }
}

// All that there are of it, and none is still looked for.
static bool class_has_settled(const char *name)
{
    for (uint32_t i = 0; i < init.service_count; i++) {
        if (config_is_of(init.services[i].config, name) && is_on_its_way(&init.services[i])) {
            return false;
        }
    }
    return true;
}

static bool has_settled(struct service *service, const struct config_handle *handle)
{
    struct service *target = &init.services[handle->service];
    if (handle->target == CONFIG_SERVICE || handle->target == CONFIG_EACH) {
        return !is_on_its_way(target);
    }
    if (handle->target == CONFIG_CLASS) {
        return class_has_settled(handle->what);
    }
    if (handle->target != CONFIG_SESSION) {
        return true;
    }
    if (target->state == TS_INIT_STOPPED && target->config->start == CONFIG_START_DEMAND) {
        (void)service_start(target);
    }
    if (service_rests(target)) {
        tell_in_vain(service, target);
    }
    return target->state == TS_INIT_READY_ && target->root;
}

static bool all_settled(struct service *service)
{
    if (must_let_pass(service)) {
        return false;
    }
    for (uint32_t i = 0; i < service->config->handle_count; i++) {
        if (!has_settled(service, &service->config->handles[i])) {
            return false;
        }
    }
    return true;
}

static void session_done(struct asking *asking, ts_status_t status, ts_handle_t handle)
{
    struct service *service = TS_OBJECT_OF(asking, struct service, asking);
    uint32_t index = asking->handle; // of the configuration's handle
    service->asking_busy = false;
    if (service->state != TS_INIT_WAITING) { // stopped meanwhile
        ts_close(handle);
        return;
    }
    if (status == TS_OK) {
        asking->target->sessions++;
        service->sessions_open[index] = handle;
        return;
    }
    ts_log("%s: no session of %s: %s", service->name, asking->target->name, ts_status_name(status));
    forget(service); // a start at once changes no state: it waits already
    service->status = status;
    service_back_off(service);
}

// The same session twice is one: standard input and output of a terminal.
static bool copy_session(struct service *service, uint32_t index)
{
    const struct config_handle *handle = &service->config->handles[index];
    for (uint32_t i = 0; i < index; i++) {
        const struct config_handle *other = &service->config->handles[i];
        if (other->target == CONFIG_SESSION && other->service == handle->service &&
            strcmp(other->what, handle->what) == 0 && service->sessions_open[i]) {
            return ts_duplicate(service->sessions_open[i], TS_RIGHTS_SAME,
                                &service->sessions_open[index]) == TS_OK;
        }
    }
    return false;
}

// True when all sessions are there; else one more was asked for.
static bool sessions_complete(struct service *service)
{
    for (uint32_t i = 0; i < service->config->handle_count; i++) {
        const struct config_handle *handle = &service->config->handles[i];
        if (handle->target != CONFIG_SESSION || service->sessions_open[i] ||
            copy_session(service, i)) {
            continue;
        }
        service->asking_busy = true;
        service->asking.done = session_done;
        service->asking.handle = i;
        // A console that nobody has looked at lets its shell wait, for ever if need be.
        ask_session(&service->asking, &init.services[handle->service], handle->what,
                    TS_DEADLINE_NONE);
        return false;
    }
    return true;
}

bool settle_done(struct service *service)
{
    return !service->asking_busy && all_settled(service) &&
           (service_is_kind(service) || sessions_complete(service));
}
