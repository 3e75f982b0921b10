// SPDX-License-Identifier: MIT
// A client that opens a name of a service is led to the root of the instance that runs now, and
// opens there a session of its own, which the service counts for it. init is not on the way of
// anything that the client then does.
//
// A root is not given to a client that may have only a part of what it leads to: a name with a
// path, as a driver's name of its device. What is there init opens itself, and hands it on. It does
// so with one thing of a service at a time, so that others' requests are never many of init's own
// there.
#include "broker.h"
#include <tessera/lib/share.h>
#include "init.h"

#define KEPT_MAX (INIT_REQUESTS - 32u) // what is answered at once (READY!) finds room besides

// ---- kept requests
// Those that wait for a service: until it runs, or for their turn to be opened there.

static struct ts_holder kept_holders[256];
static struct ts_share kept;

// What a request wants, by its slot.
static struct broker_wish wishes[INIT_REQUESTS];

static struct broker_wish *wish_of(const struct ts_request *request)
{
    return &wishes[ts_request_id_slot(request->id)];
}

void broker_init(void)
{
    ts_share_init(&kept, KEPT_MAX, kept_holders, sizeof(kept_holders) / sizeof(kept_holders[0]));
}

// Behind those that are there.
static ts_status_t keep(struct ts_request *request)
{
    ts_status_t status = ts_share_take(&kept, request->client, 1);
    if (status != TS_OK) {
        return status;
    }
    struct ts_request **link = &wish_of(request)->target->waiters;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = request;
    request->next = NULL;
    return TS_OK;
}

// It is no longer kept, and to be answered.
static void let_go(struct ts_request *request)
{
    ts_share_give(&kept, request->client, 1);
}

static struct ts_request *take_first(struct service *service)
{
    struct ts_request *request = service->waiters;
    service->waiters = request->next;
    return request;
}

// ---- answers

// The client's rights are cut to those of the handle that it used by the kernel.
static void lead_to(struct ts_request *request, ts_handle_t handle)
{
    bool mount = wish_of(request)->mount;
    ts_rights_t rights = mount ? (ts_rights_t)(TS_RIGHTS_SAME & ~TS_RIGHT_MANAGE) : TS_RIGHTS_SAME;
    ts_status_t status = ts_duplicate(handle, rights, &handle);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        (void)ts_request_reply_redirect(request, handle, wish_of(request)->consumed);
    }
}

// An instance may be gone of whose end init has not heard yet.
static bool serves(struct service *service)
{
    uint64_t signals; // the kernel answers
    if (service->state != TS_INIT_READY_ || !service->root) {
        return false;
    }
    if (ts_get_u64(service->root, TS_PROPERTY_SIGNALS, &signals) == TS_OK &&
        !(signals & TS_SIGNAL_CLOSED)) {
        return true;
    }
    service_kill(service); // if only its port has ended
    return false;
}

// Where the request leads without asking the service, which serves; or none.
static ts_handle_t known_place(const struct broker_wish *wish)
{
    const struct session_cache *cache = wish->cache;
    if (wish->root) {
        return wish->target->root;
    }
    return cache != NULL && cache->instance == wish->target->instance ? cache->session
                                                                      : TS_HANDLE_NONE;
}

static void answer_opened(struct ts_request *request, const struct asking *asking,
                          ts_handle_t handle)
{
    struct broker_wish *wish = wish_of(request);
    asking->target->sessions++;
    if (wish->cache != NULL) {
        ts_close(wish->cache->session);
        *wish->cache = (struct session_cache){handle, asking->instance};
        lead_to(request, handle);
    } else if (wish->redirect || asking->redirected) {
        (void)ts_request_reply_redirect(request, handle, wish->consumed);
    } else {
        (void)ts_request_reply_move(request, handle, TS_RIGHTS_SAME, 0);
    }
}

static void serve_waiters(struct service *service);

static void opened(struct asking *asking, ts_status_t status, ts_handle_t handle)
{
    struct service *target = asking->target;
    struct ts_request *request = asking->request;
    asking->request = NULL;
    if (request != NULL) {
        let_go(request);
    }
    if (request == NULL) {
        ts_close(handle); // it was cancelled
    } else if (status == TS_OK) {
        answer_opened(request, asking, handle);
    } else if (status == TS_ERR_PEER_CLOSED &&
               (asking->instance != target->instance || !serves(target))) {
        broker_open(request, wish_of(request)); // the next instance is asked
    } else {
        ts_request_reply(request, status, 0);
    }
    serve_waiters(target);
}

static void serve_waiters(struct service *service)
{
    struct asking *asking = &service->opening;
    while (service->waiters != NULL && asking->request == NULL && !asking->async.busy &&
           serves(service)) {
        struct ts_request *request = take_first(service);
        ts_handle_t place = known_place(wish_of(request));
        if (place) {
            let_go(request);
            service->sessions += wish_of(request)->root;
            lead_to(request, place);
            continue;
        }
        asking->request = request;
        asking->done = opened;
        ask_session(asking, service, wish_of(request)->path, ts_deadline_in(INIT_ASK_NS));
    }
}

void broker_open(struct ts_request *request, const struct broker_wish *wish)
{
    struct service *target = wish->target;
    *wish_of(request) = *wish;
    ts_handle_t place = serves(target) ? known_place(wish) : TS_HANDLE_NONE;
    if (place) {
        target->sessions += wish->root;
        lead_to(request, place);
        return;
    }
    if (target->state == TS_INIT_STOPPED && target->config->start == CONFIG_START_DEMAND) {
        (void)service_start(target);
    }
    ts_status_t status = TS_OK;
    if (service_rests(target) || init.ending) {
        status = TS_ERR_NOT_FOUND;
    } else if ((request->flags & TS_FLAG_NOWAIT) != 0 || keep(request) != TS_OK) {
        status = TS_ERR_AGAIN;
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        serve_waiters(target);
    }
}

static void refuse_waiters(struct service *service, ts_status_t status)
{
    while (service->waiters != NULL) {
        struct ts_request *request = take_first(service);
        let_go(request);
        ts_request_reply(request, status, 0);
    }
}

// ---- ends

static bool stop_waiting(struct service *service, struct ts_request *request)
{
    struct ts_request **link = &service->waiters;
    while (*link != NULL && *link != request) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return false;
    }
    *link = request->next;
    return true;
}

void broker_cancel(struct ts_request *request)
{
    struct service *target = wish_of(request)->target;
    if (target->opening.request == request) {
        target->opening.request = NULL; // what comes is closed
        ts_loop_cancel(&init.loop, &target->opening.async);
    } else if (!stop_waiting(target, request)) {
        return;
    }
    let_go(request);
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

// Each cancel changes the lists: begin again after one.
static struct ts_request *kept_by(const struct ts_object *object)
{
    for (uint32_t i = 0; i < init.service_count; i++) {
        struct ts_request *asked = init.services[i].opening.request;
        if (asked != NULL && asked->object == object) {
            return asked;
        }
        for (struct ts_request *r = init.services[i].waiters; r != NULL; r = r->next) {
            if (r->object == object) {
                return r;
            }
        }
    }
    return NULL;
}

void broker_forget(struct ts_object *object)
{
    struct ts_request *request;
    while ((request = kept_by(object)) != NULL) {
        broker_cancel(request);
    }
}

static void on_changed(struct service *service)
{
    if (service->state == TS_INIT_READY_) {
        serve_waiters(service);
    } else if (service_rests(service)) {
        refuse_waiters(service, TS_ERR_NOT_FOUND);
    }
}

const struct service_events broker_events = {.changed = on_changed};
