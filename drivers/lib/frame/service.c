// SPDX-License-Identifier: MIT
#include <drivers/frame/client.h>

#include <stdlib.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>

// Lines about the link in such a time: a bad cable comes and goes all day.
#define LINK_LINES 8u
#define LINK_NS    (10 * TS_SECOND)

// ---- Work

static void on_client_broke(struct frame_service *s)
{
    ts_log("the client broke the protocol and is detached");
    s->attached->broke = true;
    ts_object_signal(&s->attached->object, 0, TS_SIGNAL_ERROR);
    frame_client_detach(s);
}

static void on_device_broke(struct frame_service *s)
{
    if (!allowance_take_reset(&s->resets, ts_loop_now(s->loop))) {
        service_fail("the device misbehaves all the time", TS_ERR_IO);
    }
    ts_log("the device misbehaves and is reset");
    ts_status_t status = frame_card_restart(s->card);
    if (status != TS_OK) {
        service_fail("the device does not start again", status);
    }
    s->pending = true;
    frame_client_ring(s); // the link may be another
}

// Before each wait of the loop: all that the callbacks have found to do, at once.
static void on_idle(struct ts_loop *loop, void *context)
{
    struct frame_service *s = context;
    if (!s->pending) {
        return;
    }
    s->pending = false;
    bool ring;
    enum frame_outcome outcome = frame_card_work(s->card, ts_loop_now(loop), &ring);
    if (ring) {
        frame_client_ring(s);
    }
    if (outcome == FRAME_CLIENT_BROKE) {
        on_client_broke(s);
    } else if (outcome == FRAME_CHIP_BROKE) {
        on_device_broke(s);
    }
    if (outcome == FRAME_MORE || s->pending) {
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop)); // after whatever else has arrived
    } else if (s->card->tx.in_hand > 0 && !s->timer.armed) {
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop) + TS_FRAME_DELAY_NS);
    }
}

static void on_timer(struct ts_timer *timer)
{
    TS_OBJECT_OF(timer, struct frame_service, timer)->pending = true;
}

static void watch_bell(struct frame_service *s)
{
    struct ts_submission *submission = ts_loop_begin(s->loop, &s->bell);
    if (submission == NULL) {
        service_fail("the ring is full", TS_ERR_AGAIN);
    }
    ts_prepare_watch(submission, s->doorbell, TS_SIGNAL_READABLE, ts_async_data(&s->bell));
}

static void on_bell(struct ts_async *async, const struct ts_event *event)
{
    struct frame_service *s = TS_OBJECT_OF(async, struct frame_service, bell);
    s->card->statistics.doorbells++;
    s->pending = true;
    if (event->status != TS_OK) {
        service_fail("waiting", event->status);
    }
    if (!(event->flags & TS_EVENT_MORE)) {
        watch_bell(s);
    }
}

// ---- Interrupts

// Logs what the link is, if that is not what the log says; too often, when the time is over.
static void tell_link(struct frame_service *s)
{
    uint32_t link = s->card->information.link;
    if (link == s->told_link) {
        return;
    }
    if (allowance_take(&s->link_lines, ts_loop_now(s->loop), LINK_LINES, LINK_NS)) {
        s->told_link = link;
        ts_log("link %s", link ? "up" : "down");
    } else if (!s->link_timer.armed) {
        ts_log("the link changes all the time");
        ts_timer_arm(s->loop, &s->link_timer, s->link_lines.since + LINK_NS + 1);
    }
}

static void on_link_timer(struct ts_timer *timer)
{
    tell_link(TS_OBJECT_OF(timer, struct frame_service, link_timer));
}

static void on_link(struct frame_service *s)
{
    uint32_t before = s->card->information.link;
    if (!frame_card_link_changed(s->card)) {
        return;
    }
    if (!s->link_timer.armed) {
        s->told_link = before;
    }
    tell_link(s);
    frame_client_ring(s);
}

static void on_causes(struct frame_service *s, unsigned causes)
{
    s->pending |= (causes & FRAME_CAUSE_WORK) != 0;
    if ((causes & FRAME_CAUSE_LOST) && s->attached != NULL) {
        on_device_broke(s);
    }
    if (causes & FRAME_CAUSE_LINK) {
        on_link(s);
    }
}

static bool on_interrupt(struct service_interrupt *of)
{
    struct frame_interrupt *interrupt = TS_OBJECT_OF(of, struct frame_interrupt, interrupt);
    struct frame_service *s = interrupt->service;
    struct frame_card *card = s->card;
    bool moved = interrupt->moved != card->moved;
    interrupt->moved = card->moved;
    card->statistics.interrupts++;
    on_causes(s, frame_chip.interrupted(card->context, (unsigned)(interrupt - s->interrupts)));
    return moved;
}

// ---- Objects

static struct frame_session *session_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct frame_session, object);
}

static void on_get(struct ts_request *request)
{
    struct frame_card *card = session_of(request)->service->card;
    switch (request->arg) {
    case TS_PROPERTY_FRAME_INFORMATION:
        ts_request_reply_bytes(request, &card->information, sizeof(card->information));
        break;
    case TS_PROPERTY_FRAME_STATISTICS:
        ts_request_reply_bytes(request, &card->statistics, sizeof(card->statistics));
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void on_call(struct ts_request *request)
{
    struct frame_session *session = session_of(request);
    if (request->arg == TS_FRAME_DETACH) {
        frame_client_on_detach(session, request);
    } else if (session->broke) {
        ts_request_reply(request, TS_ERR_PROTOCOL, 0);
    } else if (request->arg == TS_FRAME_ATTACH) {
        frame_client_on_attach(session, request);
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void on_closed(struct ts_object *object)
{
    struct frame_session *session = TS_OBJECT_OF(object, struct frame_session, object);
    struct frame_service *s = session->service;
    if (s->attached == session) {
        frame_client_detach(s);
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
    struct frame_session *session = calloc(1, sizeof(*session));
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

static void watch_all(struct frame_service *s, const struct bus_function *function)
{
    for (uint32_t i = 0; i < function->vectors; i++) {
        struct frame_interrupt *interrupt = &s->interrupts[i];
        interrupt->service = s;
        service_interrupt_start(&interrupt->interrupt, s->loop, function->interrupts[i],
                                function->line, on_interrupt);
    }
    s->bell.done = on_bell;
    s->timer.fired = on_timer;
    s->link_timer.fired = on_link_timer;
    watch_bell(s);
    s->loop->idle = on_idle;
    s->loop->idle_context = s;
}

ts_status_t frame_service_start(struct frame_service *s, struct ts_loop *loop,
                                struct frame_card *card, const struct bus_function *function,
                                ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 32, .objects = 32, .inbox_bytes = 64};
    *s = (struct frame_service){.loop = loop, .card = card, .domain = function->domain};
    s->root = (struct frame_session){.object = {.operations = &root_operations}, .service = s};
    ts_status_t status = ts_event_create(0, &s->doorbell);
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&s->server, &s->root.object, TS_RIGHTS_ALL, out_root);
    }
    if (status == TS_OK) {
        watch_all(s, function);
    }
    return status;
}
