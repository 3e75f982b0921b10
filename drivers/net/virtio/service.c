// SPDX-License-Identifier: MIT
#include "service.h"

#include "client.h"

#include <stdlib.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/process.h>

// ---- Work

static void fail(const char *what, ts_status_t status)
{
    // Init starts a new instance as soon as the PCI server has made the device quiet.
    ts_log("%s: %s", what, ts_status_name(status));
    ts_process_exit(status);
}

static void on_client_broke(struct net_service *s)
{
    ts_log("the client broke the protocol and is detached");
    s->attached->broke = true;
    ts_object_signal(&s->attached->object, 0, TS_SIGNAL_ERROR);
    ts_status_t status = client_detach(s);
    if (status != TS_OK) {
        fail("the device does not stop", status);
    }
}

static void on_device_broke(struct net_service *s)
{
    ts_log("the device misbehaves and is reset");
    ts_status_t status = net_restart(&s->net);
    if (status != TS_OK) {
        fail("the device does not start again", status);
    }
    s->pending = true;
}

// Before each wait of the loop: all that the callbacks have found to do, at once.
static void on_idle(struct ts_loop *loop, void *context)
{
    struct net_service *s = context;
    if (!s->pending) {
        return;
    }
    s->pending = false;
    bool ring;
    enum net_outcome outcome = net_work(&s->net, ts_loop_now(loop), &ring);
    if (ring) {
        client_ring(s);
    }
    if (outcome == NET_CLIENT_BROKE) {
        on_client_broke(s);
    } else if (outcome == NET_DEVICE_BROKE) {
        on_device_broke(s);
    }
    if (outcome == NET_MORE || s->pending) {
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop)); // after whatever else has arrived
    } else if (s->net.tx.in_hand > 0 && !s->timer.armed) {
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop) + TS_FRAME_DELAY_NS);
    }
}

static void on_timer(struct ts_timer *timer)
{
    TS_OBJECT_OF(timer, struct net_service, timer)->pending = true;
}

static void watch(struct net_service *s, struct ts_async *async, ts_handle_t event)
{
    struct ts_submission *submission = ts_loop_begin(s->loop, async);
    if (submission == NULL) {
        fail("the ring is full", TS_ERR_AGAIN);
        return;
    }
    ts_prepare_watch(submission, event, TS_SIGNAL_READABLE, ts_async_data(async));
}

static void watched(struct net_service *s, struct ts_async *async, const struct ts_event *event,
                    ts_handle_t handle)
{
    if (event->status != TS_OK) {
        fail("waiting", event->status);
    }
    if (!(event->flags & TS_EVENT_MORE)) {
        watch(s, async, handle);
    }
}

static void check_change(struct net_service *s)
{
    if (virtio_needs_reset(s->net.device) && s->attached != NULL) {
        on_device_broke(s);
    }
    if (net_link_changed(&s->net)) {
        ts_log("link %s", s->net.information.link ? "up" : "down");
        client_ring(s);
    }
}

static void on_interrupt(struct ts_async *async, const struct ts_event *event)
{
    struct net_service *s = TS_OBJECT_OF(async, struct net_service, interrupt);
    struct virtio_function *f = s->function;
    s->net.statistics.interrupts++;
    s->pending = true;
    if (f->line) {
        uint8_t cause = f->device.registers->interrupt_cause(f); // the device lowers the line
        if (cause & 2) {
            check_change(s);
        }
        if (ts_interrupt_acknowledge(f->interrupts[0]) != TS_OK) {
            fail("acknowledging", TS_ERR_IO);
        }
    } else if (!f->interrupts[1]) {
        check_change(s); // one message for everything
    }
    watched(s, async, event, f->interrupts[0]);
}

static void on_change(struct ts_async *async, const struct ts_event *event)
{
    struct net_service *s = TS_OBJECT_OF(async, struct net_service, change);
    s->net.statistics.interrupts++;
    check_change(s);
    watched(s, async, event, s->function->interrupts[1]);
}

static void on_bell(struct ts_async *async, const struct ts_event *event)
{
    struct net_service *s = TS_OBJECT_OF(async, struct net_service, bell);
    s->net.statistics.doorbells++;
    s->pending = true;
    watched(s, async, event, s->doorbell);
}

// ---- Objects

static struct net_session *session_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct net_session, object);
}

static void on_get(struct ts_request *request)
{
    struct net *n = &session_of(request)->service->net;
    switch (request->arg) {
    case TS_PROPERTY_FRAME_INFORMATION:
        ts_request_reply_bytes(request, &n->information, sizeof(n->information));
        break;
    case TS_PROPERTY_FRAME_STATISTICS:
        ts_request_reply_bytes(request, &n->statistics, sizeof(n->statistics));
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void on_call(struct ts_request *request)
{
    struct net_session *session = session_of(request);
    if (request->arg == TS_FRAME_DETACH) {
        client_on_detach(session, request);
    } else if (session->broke) {
        ts_request_reply(request, TS_ERR_PROTOCOL, 0);
    } else if (request->arg == TS_FRAME_ATTACH) {
        client_on_attach(session, request);
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void on_closed(struct ts_object *object)
{
    struct net_session *session = TS_OBJECT_OF(object, struct net_session, object);
    struct net_service *s = session->service;
    if (s->attached == session) {
        ts_status_t status = client_detach(s);
        if (status != TS_OK) {
            fail("the device does not stop", status);
        }
    }
    free(session);
}

static void on_open(struct ts_request *request);

static const struct ts_operations operations = {
    .open = on_open,
    .get = on_get,
    .call = on_call,
    .closed = on_closed,
};

// open "": a session of its own for each client.
static void on_open(struct ts_request *request)
{
    struct net_session *session = calloc(1, sizeof(*session));
    if (session == NULL || request->length != 0) {
        free(session);
        ts_request_reply(request, session != NULL ? TS_ERR_NOT_FOUND : TS_ERR_MEMORY, 0);
        return;
    }
    session->object.operations = &operations;
    session->service = session_of(request)->service;
    if (ts_request_reply_mint(request, &session->object, request->rights, 0) != TS_OK) {
        free(session);
    }
}

static const struct ts_operations root_operations = {.open = on_open};

static void watch_all(struct net_service *s)
{
    s->interrupt.done = on_interrupt;
    s->change.done = on_change;
    s->bell.done = on_bell;
    s->timer.fired = on_timer;
    watch(s, &s->interrupt, s->function->interrupts[0]);
    if (s->function->interrupts[1]) {
        watch(s, &s->change, s->function->interrupts[1]);
    }
    watch(s, &s->bell, s->doorbell);
    s->loop->idle = on_idle;
    s->loop->idle_context = s;
}

ts_status_t net_service_start(struct net_service *s, struct ts_loop *loop,
                              struct virtio_function *function, ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 32, .objects = 32, .inbox_bytes = 64};
    *s = (struct net_service){.loop = loop, .function = function};
    s->root = (struct net_session){.object = {.operations = &root_operations}, .service = s};
    ts_status_t status =
        net_init(&s->net, &function->device, function->domain,
                 virtio_function_queue_vector(function), virtio_function_change_vector(function));
    if (status == TS_OK) {
        status = ts_event_create(0, &s->doorbell);
    }
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&s->server, &s->root.object, TS_RIGHTS_ALL, out_root);
    }
    if (status == TS_OK) {
        watch_all(s);
    }
    return status;
}
