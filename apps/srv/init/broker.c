// SPDX-License-Identifier: MIT
// Names of services: opening one gives the client a session of the instance that runs now. The
// service mints the session; init asks for it asynchronously and hands it on, and is not on the
// way of anything the client then does.
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <string.h>
#include "init.h"

#define ASKINGS_MAX 128u
#define NAMES_MAX   512u

static struct pool askings = POOL(struct asking, ASKINGS_MAX);
static struct pool names = POOL(struct name, NAMES_MAX);
static struct asking *asked; // on behalf of requests

// asking ------------------------------------------------------------------------------------

static void ask_done(struct ts_async *async, const struct ts_event *event)
{
    struct asking *asking = TS_OBJECT_OF(async, struct asking, async);
    ts_status_t status = event->status;
    ts_handle_t handle = status ? TS_HANDLE_NONE : (ts_handle_t)event->value;
    asking->redirected = !status && (event->flags & TS_EVENT_REDIRECT);
    if (asking->redirected && event->extra != asking->length) {
        ts_close(handle); // init follows nobody
        handle = TS_HANDLE_NONE;
        status = TS_ERR_PROTOCOL;
    }
    asking->done(asking, status, handle);
}

void ask_session(struct asking *asking, struct service *target, const char *path)
{
    asking->target = target;
    asking->instance = target->instance;
    asking->length = (uint32_t)strlen(path);
    asking->async.done = ask_done;
    struct ts_submission *submission = ts_loop_begin(&init.loop, &asking->async);
    if (!submission) {
        asking->done(asking, TS_ERR_AGAIN, TS_HANDLE_NONE);
        return;
    }
    ts_prepare_open(submission, target->root, path, asking->length, 0, TS_RIGHTS_SAME,
                    ts_deadline_in(INIT_ASK_NS), ts_async_data(&asking->async));
}

// requests ----------------------------------------------------------------------------------

static void unlink_asking(struct asking *asking)
{
    struct asking **link = &asked;
    while (*link != asking)
        link = &(*link)->next;
    *link = asking->next;
}

// What a kept request wants, by its slot.
static struct broker_wish wishes[INIT_REQUESTS];

static struct broker_wish *wish_of(const struct ts_request *request)
{
    return &wishes[TS_REQUEST_SLOT(request->id)];
}

// The client gets the handle; where sessions are kept, a copy.
static void answer(struct ts_request *request, uint32_t instance, ts_handle_t handle, bool redirect)
{
    const struct broker_wish *wish = wish_of(request);
    if (wish->cache) {
        if (wish->cache->session != handle)
            ts_close(wish->cache->session);
        *wish->cache = (struct session_cache){handle, instance};
        ts_status_t status = ts_duplicate(handle, TS_RIGHTS_SAME, &handle);
        if (status) {
            ts_request_reply(request, status, 0);
            return;
        }
    }
    // The client's rights are cut to those of the handle that it used by the kernel.
    if (wish->redirect || redirect)
        (void)ts_request_reply_redirect(request, handle, wish->consumed);
    else
        (void)ts_request_reply_move(request, handle, TS_RIGHTS_SAME, 0);
}

static bool root_is_closed(const struct service *service)
{
    uint64_t signals; // the kernel answers
    return ts_get_u64(service->root, TS_PROPERTY_SIGNALS, &signals) == TS_OK &&
           (signals & TS_SIGNAL_CLOSED) != 0;
}

// Whether the instance that was asked is gone, of which init may not have heard yet: then the next
// one is asked. Else it is the server's own answer.
static bool ask_next(struct ts_request *request, struct service *target, uint32_t instance)
{
    if (target->state != TS_INIT_READY_ || target->instance != instance) {
        broker_open(request, wish_of(request));
        return true;
    }
    if (!root_is_closed(target))
        return false;
    service_kill(target); // if only its port has ended
    request->next = target->waiters;
    target->waiters = request;
    return true;
}

static void answer_session(struct asking *asking, ts_status_t status, ts_handle_t handle)
{
    struct ts_request *request = asking->request;
    unlink_asking(asking);
    if (request && status == TS_ERR_PEER_CLOSED &&
        ask_next(request, asking->target, asking->instance))
        request = NULL; // answered later
    if (!request || status) {
        ts_close(handle);
        if (request)
            ts_request_reply(request, status, 0);
    } else {
        asking->target->sessions++;
        answer(request, asking->instance, handle, asking->redirected);
    }
    pool_put(&askings, asking);
}

static void ask_for(struct ts_request *request)
{
    struct asking *asking = pool_get(&askings);
    if (!asking) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
        return;
    }
    asking->request = request;
    asking->done = answer_session;
    asking->next = asked;
    asked = asking;
    ask_session(asking, wish_of(request)->target, wish_of(request)->path);
}

void broker_open(struct ts_request *request, const struct broker_wish *wish)
{
    struct service *target = wish->target;
    *wish_of(request) = *wish;
    if (target->state == TS_INIT_READY_ && target->root) {
        if (wish->cache && wish->cache->session && wish->cache->instance == target->instance)
            answer(request, target->instance, wish->cache->session, true);
        else
            ask_for(request);
        return;
    }
    if (target->state == TS_INIT_STOPPED && target->config->start == CONFIG_START_DEMAND)
        (void)service_start(target);
    if (target->state == TS_INIT_STOPPED || target->state == TS_INIT_FAILED || init.ending) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    request->next = target->waiters;
    target->waiters = request;
}

static void serve_waiters(struct service *service, ts_status_t status)
{
    struct ts_request *request = service->waiters;
    service->waiters = NULL;
    while (request) {
        struct ts_request *next = request->next;
        if (status)
            ts_request_reply(request, status, 0);
        else
            ask_for(request);
        request = next;
    }
}

void broker_serve_waiters(struct service *service)
{
    serve_waiters(service, TS_OK);
}

void broker_refuse_waiters(struct service *service, ts_status_t status)
{
    serve_waiters(service, status);
}

static bool stop_waiting(struct service *service, struct ts_request *request)
{
    struct ts_request **link = &service->waiters;
    while (*link && *link != request)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = request->next;
    return true;
}

void broker_cancel(struct ts_request *request)
{
    bool found = stop_waiting(wish_of(request)->target, request);
    for (struct asking *asking = asked; asking && !found; asking = asking->next) {
        if (asking->request == request) {
            asking->request = NULL;
            ts_loop_cancel(&init.loop, &asking->async);
            found = true;
        }
    }
    if (found)
        ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

// Each cancel changes the lists: begin again after one.
static struct ts_request *kept_by(const struct ts_object *object)
{
    for (struct asking *asking = asked; asking; asking = asking->next) {
        if (asking->request && asking->request->object == object)
            return asking->request;
    }
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        for (struct ts_request *r = init.services[i].waiters; r; r = r->next) {
            if (r->object == object)
                return r;
        }
    }
    return NULL;
}

void broker_forget(struct ts_object *object)
{
    struct ts_request *request;
    while ((request = kept_by(object)) != NULL)
        broker_cancel(request);
}

// names -------------------------------------------------------------------------------------

static void name_open(struct ts_request *request)
{
    struct name *name = TS_OBJECT_OF(request->object, struct name, object);
    struct broker_wish wish = {
        .target = name->target, .path = name->path, .redirect = request->length > 0};
    broker_open(request, &wish);
}

static void name_get(struct ts_request *request)
{
    struct name *name = TS_OBJECT_OF(request->object, struct name, object);
    const char *text = name->target->config->name;
    if (request->argument == TS_PROPERTY_NAME)
        ts_request_reply_bytes(request, text, strlen(text));
    else
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
}

static void name_closed(struct ts_object *object)
{
    struct name *name = TS_OBJECT_OF(object, struct name, object);
    broker_forget(object);
    struct name **link = &name->target->names;
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    pool_put(&names, name);
}

static const struct ts_operations name_operations = {
    .open = name_open, .get = name_get, .cancel = broker_cancel, .closed = name_closed};

static void signal_name(struct name *name)
{
    bool ready = name->target->state == TS_INIT_READY_;
    ts_object_signal(&name->object, ready ? 0 : TS_SIGNAL_READABLE, ready ? TS_SIGNAL_READABLE : 0);
}

void broker_signal(struct service *service)
{
    for (struct name *name = service->names; name; name = name->next)
        signal_name(name);
}

ts_status_t name_create(struct service *target, const char *path, ts_rights_t rights,
                        ts_handle_t *out_handle)
{
    struct name *name = pool_get(&names);
    if (!name)
        return TS_ERR_LIMIT;
    name->object.operations = &name_operations;
    name->target = target;
    name->path = path;
    ts_status_t status = ts_object_mint(&init.server, &name->object, rights, out_handle);
    if (status) {
        pool_put(&names, name);
        return status;
    }
    name->next = target->names;
    target->names = name;
    signal_name(name);
    return TS_OK;
}
